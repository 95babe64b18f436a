/** kubectl: the hand that changes the cluster, and an independent witness of what it then did. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import {
  collectionPath,
  events,
  type WatchedResource,
  watchedObjects,
} from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { observeEvent, observeObject } from '../../../functions/forwarder/observe.ts';
import { createSpecReader, fixedKey } from '../../../functions/forwarder/read-spec.ts';
import type { Observation } from '../../../shared/observation.ts';

const run = promisify(execFile);
const specs = createSpecReader(fixedKey);
const mostOutput = 1 << 28;

export interface Kubectl {
  /** Arguments are split at spaces. Rejects with what kubectl says. */
  (args: string, input?: string): Promise<string>;
  binary: string;
  kubeconfig: string;
}

export function createKubectl(binary: string, kubeconfig: string): Kubectl {
  const kubectl = async (args: string, input?: string) => {
    const child = run(binary, ['--kubeconfig', kubeconfig, ...args.split(' ')], { maxBuffer: mostOutput });
    child.child.stdin?.end(input);
    return (await child).stdout;
  };
  return Object.assign(kubectl, { binary, kubeconfig });
}

export interface Witness {
  /** Everything seen so far, in order of arrival. */
  observations: Observation[];
  /** Whether each watch still runs. */
  isWhole(): boolean;
  stop(): void;
}

/** A `kubectl get --raw` for each resource: lists what is there, then prints each line of the watch as it comes. */
export async function startWitness(kubectl: Kubectl): Promise<Witness> {
  const observations: Observation[] = [];
  const children: ReturnType<typeof spawn>[] = [];
  let ended = 0;
  const see = (resource: WatchedResource, how: string, object: Record<string, unknown>) => {
    const at = new Date().toISOString();
    const whole = { apiVersion: resource.apiVersion, kind: resource.kind, ...object };
    if (resource === events && how === 'DELETED') return;
    const seen =
      resource === events ? observeEvent(whole, at) : observeObject(whole, at, how === 'DELETED', specs);
    if (!seen.ok) throw new Error(`${resource.resource}: ${seen.reason}`);
    observations.push(seen.value);
  };
  for (const resource of [events, ...watchedObjects]) {
    const path = collectionPath(resource);
    const list = JSON.parse(await kubectl(`get --raw ${path}`));
    // What was there before anybody looked is known to both, the Events of before to none.
    if (resource !== events) for (const item of list.items) see(resource, 'ADDED', item);
    const watch = `${path}?watch=1&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=7200`;
    const child = spawn(kubectl.binary, ['--kubeconfig', kubectl.kubeconfig, 'get', '--raw', watch], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.on('exit', () => ended++);
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const { type, object } = JSON.parse(line);
      if (type !== 'BOOKMARK') see(resource, type, object);
    });
    children.push(child);
  }
  return {
    observations,
    isWhole: () => ended === 0,
    stop: () => {
      for (const child of children) child.kill();
    },
  };
}
