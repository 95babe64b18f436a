/**
 * `rootspan record FILE`: a cluster's Events and objects as a recording, until it is stopped. Objects are cut to what
 * causality reads, so that a recording can be shown to others: no environment, no arguments, no Secret, no annotation of the user's own.
 */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cutEvent, cutObject } from '../../functions/forwarder/cut-object.ts';
import { newDigestKey } from '../../functions/forwarder/digest.ts';
import {
  defaultKindSettings,
  followKinds,
  type KindSettings,
} from '../../functions/forwarder/follow-kinds.ts';
import type { ApiServer, Json } from '../../functions/forwarder/kubernetes/api-server.ts';
import { type Clock, systemClock } from '../../functions/forwarder/kubernetes/clock.ts';
import { createDiscover } from '../../functions/forwarder/kubernetes/discover-kinds.ts';
import { findClusterUid } from '../../functions/forwarder/kubernetes/find-cluster.ts';
import { watchResource } from '../../functions/forwarder/kubernetes/watch-resource.ts';
import type { Unavailable, WatchSignal } from '../../functions/forwarder/kubernetes/watch-signal.ts';
import type { WatchRemark } from '../../functions/forwarder/kubernetes/watch-troubles.ts';
import {
  customKinds,
  events,
  kindsOf,
  type WatchedResource,
  watchedObjects,
} from '../../functions/forwarder/kubernetes/watched-resources.ts';
import { createSpecReader, type SpecReader } from '../../functions/forwarder/read-spec.ts';
import type { KindRemark } from '../../functions/forwarder/remarks.ts';
import { UserError } from '../../shared/errors.ts';
import { connectCluster, whyNotRead } from './connect-cluster.ts';
import { mergeArrivals } from './merge-arrivals.ts';
import { readOptions, seeHelp } from './read-options.ts';
import type { CommandContext } from './run-command.ts';
import { countOf } from './view/describe-span.ts';

/** The forwarder looks these up one by one; a recording has nobody to ask later. */
const lookedUp: readonly WatchedResource[] = [
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', resource: 'persistentvolumeclaims' },
  { apiVersion: 'v1', kind: 'PersistentVolume', resource: 'persistentvolumes' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', resource: 'horizontalpodautoscalers' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', resource: 'poddisruptionbudgets' },
];

export interface RecordPorts {
  api: ApiServer;
  clock: Clock;
  random(): number;
  report(remark: WatchRemark | KindRemark): void;
  /** What may stand in a recording of what specs say. */
  specs: SpecReader;
}

export interface RecordSettings {
  /** Only these, what has no namespace, and Events about Nodes. */
  namespaces?: ReadonlySet<string> | undefined;
  discovery?: KindSettings;
  signal: AbortSignal;
}

/**
 * Lines of a recording: first the cluster's own namespace, then what there is, the Events of the last hour among it, then
 * what happens until the signal is aborted.
 */
export async function* recordCluster(
  ports: RecordPorts,
  { namespaces, discovery = defaultKindSettings, signal }: RecordSettings,
): AsyncGenerator<Json> {
  const now = () => new Date(ports.clock.now()).toISOString();
  yield { type: 'start', at: now(), namespaces: namespaces === undefined ? 'all' : [...namespaces] };
  const own = await ports.api.call('GET', '/api/v1/namespaces/kube-system', { signal });
  const is = { apiVersion: 'v1', kind: 'Namespace' };
  yield { type: 'object', at: now(), watch: 'LIST', object: cutObject(own, is, ports.specs) };

  const isWanted = (object: Json) =>
    namespaces === undefined || isOf(namespaces, object.involvedObject ?? object.metadata);
  const merged = mergeArrivals<Json>();
  const follow = (resource: WatchedResource) => {
    const take = (raw: Json): boolean => {
      if (!isWanted(raw)) return false;
      for (const about of spokenOf(raw)) kinds.named(about);
      return true;
    };
    return merged.add(toLines(resource, watchResource(ports, resource, { signal }), take, ports.specs));
  };
  const kinds = followKinds(
    {
      ...ports,
      discover: createDiscover(ports.api, kindsOf(customKinds)),
      follow,
      forget: async () => {},
      signal,
    },
    discovery,
  );
  for (const resource of [events, ...watchedObjects, ...lookedUp]) void follow(resource);
  yield* merged.until(kinds.ended);
  yield { type: 'end', at: now() };
}

/** What an Event is about, and what owns an object: as far as it says what kind that is. */
function* spokenOf({ involvedObject, metadata }: Json): Generator<{ apiVersion?: string; kind: string }> {
  const { ownerReferences } = (metadata ?? {}) as Json;
  for (const about of [involvedObject, ...(Array.isArray(ownerReferences) ? ownerReferences : [])]) {
    const { apiVersion, kind } = (about ?? {}) as Json;
    if (typeof kind === 'string') yield { kind, ...(typeof apiVersion === 'string' && { apiVersion }) };
  }
}

const isOf = (namespaces: ReadonlySet<string>, about: unknown): boolean => {
  const { namespace } = about as { namespace?: string };
  return namespace === undefined || namespaces.has(namespace);
};

/** One resource's signals as lines: each version of an object in which something says more than before. */
async function* toLines(
  resource: WatchedResource,
  signals: AsyncIterable<WatchSignal>,
  isWanted: (object: Json) => boolean,
  specs: SpecReader,
): AsyncGenerator<Json, Unavailable | undefined> {
  /** By UID: what was last written. */
  const written = new Map<string, { said: string; object: Json }>();
  let listed = new Set<string>();
  let isFirstList = true;

  const lineOf = (watch: string, at: string, raw: Json): Json | undefined => {
    if (!isWanted(raw)) return undefined;
    const object = resource === events ? cutEvent(raw) : cutObject(raw, resource, specs);
    const { uid, resourceVersion, ...metadata } = object.metadata as Json;
    const said = JSON.stringify({ ...object, metadata });
    const before = written.get(uid as string);
    if (watch === 'DELETED') written.delete(uid as string);
    else if (resource === events) written.set(uid as string, { said: resourceVersion as string, object: {} });
    else written.set(uid as string, { said, object });
    if (resource === events) {
      if (watch === 'LIST' && before?.said === resourceVersion) return undefined;
      return { type: 'event', receivedAt: at, watch: watch === 'LIST' ? 'ADDED' : watch, event: object };
    }
    if (watch !== 'DELETED' && before?.said === said) return undefined;
    return { type: 'object', at, watch, object };
  };

  for await (const signal of signals) {
    switch (signal.type) {
      case 'list-start':
        listed = new Set();
        break;
      case 'listed': {
        listed.add((signal.object.metadata as { uid: string }).uid);
        const line = lineOf('LIST', signal.receivedAt, signal.object);
        if (line !== undefined) yield line;
        break;
      }
      case 'list-complete': {
        if (!isFirstList) yield { type: 'gap', at: signal.receivedAt, kind: resource.kind };
        isFirstList = false;
        for (const [uid, { object }] of written) {
          if (listed.has(uid)) continue;
          written.delete(uid);
          if (resource === events) continue;
          yield { type: 'object', at: signal.receivedAt, watch: 'DELETED', object };
        }
        break;
      }
      case 'changed': {
        const line = lineOf(signal.how, signal.receivedAt, signal.object);
        if (line !== undefined) yield line;
        break;
      }
      case 'bookmark':
        break;
      case 'unavailable':
        return signal.why;
      default:
        signal satisfies never;
    }
  }
  return undefined;
}

export async function recordCommand(context: CommandContext, args: string[]): Promise<void> {
  const { say, write, workingDirectory, untilStopped } = context;
  const { file, namespaces, seconds, chosen } = optionsOf(context, args);
  const { api, address, context: name } = connectCluster(chosen, workingDirectory);
  const signal =
    seconds === undefined
      ? untilStopped
      : AbortSignal.any([untilStopped, AbortSignal.timeout(seconds * 1000)]);
  const counts = { event: 0, object: 0 };
  const told = new Set<string>();
  const lines = async function* () {
    const ports = {
      api,
      clock: systemClock,
      random: Math.random,
      // A recording is shown to others: nobody has its key.
      specs: createSpecReader(newDigestKey()),
      report: (remark: WatchRemark | KindRemark) => {
        const text = describe(remark);
        if (text === undefined || told.has(text)) return;
        told.add(text);
        say(`rootspan: ${text}\n`);
      },
    };
    for await (const line of recordCluster(ports, { namespaces, signal })) {
      if (line.type === 'event' || line.type === 'object') counts[line.type]++;
      yield `${JSON.stringify(line)}\n`;
    }
  };
  const whatCluster = (error: unknown) => new UserError(`${address} ${whyNotRead(error)}`);
  try {
    // Before the file is there.
    await findClusterUid(api, signal).catch((error: unknown) => {
      throw whatCluster(error);
    });
    say(`Recording ${address} (context ${name}); Ctrl-C ends it.\n`);
    if (file === '-') for await (const line of lines()) await write(line);
    else await pipeline(lines(), createWriteStream(resolve(workingDirectory, file), { flags: 'wx' }));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UserError(`${file} is there already; choose another name`);
    if (path !== undefined || code === 'ENOSPC') throw new UserError(`${file} cannot be written (${code})`);
    throw whatCluster(error);
  } finally {
    api.close();
  }
  say(`${countOf(counts.event, 'Event')} and ${countOf(counts.object, 'version')} of objects in ${file}\n`);
  if (file !== '-') say(`Look at it: ${context.call} explain ${file}\n`);
}

function describe(remark: WatchRemark | KindRemark): string | undefined {
  switch (remark.type) {
    case 'refused':
      return `${remark.resource} are left out: ${remark.error.message}`;
    case 'unknown-resource':
      return `${remark.resource} are left out: the cluster has none`;
    case 'kind-unavailable':
      return remark.why === 'forbidden'
        ? `${remark.resource} are left out: you may not list and watch them`
        : undefined;
    case 'kinds-unknown':
      return 'what is installed beyond Kubernetes itself cannot be asked, and is left out until it can be';
    default:
      return undefined;
  }
}

function optionsOf(context: CommandContext, args: string[]) {
  const { values, positionals } = readOptions('record', args, context);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0)
    throw new UserError(`name one file to write; ${seeHelp(context, 'record')}`);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds > 0 && seconds <= 86_400)) {
    throw new UserError(`--seconds ${values.seconds}: should be a number from 1 to 86400`);
  }
  const namespaces = values.namespace && new Set(values.namespace);
  return { file, seconds, namespaces, chosen: values };
}
