/**
 * `rootspan doctor`: whether Events flow out of a cluster, and if not, where they stop: a line for each step of their way,
 * asked of the API server with the caller's own rights and of the leading forwarder's /metrics.
 */
import { explainTrouble, isPutTrouble, lasts } from '../../functions/forwarder/explain-trouble.ts';
import { ApiError, type ApiServer, type Json } from '../../functions/forwarder/kubernetes/api-server.ts';
import { createDiscover } from '../../functions/forwarder/kubernetes/discover-kinds.ts';
import {
  customKinds,
  events,
  groupOf,
  type KindToWatch,
  kindsOf,
  resourceName,
  type WatchedResource,
  watchedObjects,
} from '../../functions/forwarder/kubernetes/watched-resources.ts';
import { readKinds } from '../../functions/forwarder/read-config.ts';
import { connectCluster, whyNotRead } from './connect-cluster.ts';
import { readOptions } from './read-options.ts';
import type { CommandContext } from './run-command.ts';

export interface Installed {
  namespace: string;
  /** Of one release; undefined: of the one whose pods are there. */
  lease: string | undefined;
}

/** What the chart calls it in a release that is called as the chart. */
const usualLease = 'rootspan-forwarder';
/** Of the chart's Deployment, and not of the pod that `helm test` leaves. */
const forwarderLabels = 'app.kubernetes.io/name=rootspan,app.kubernetes.io/component=forwarder';

export interface Finding {
  verdict: 'ok' | 'FAIL' | '?';
  /** Of the way of an Event. */
  step: string;
  text: string;
}

/** Milliseconds. */
type Now = () => number;

/** In the order of an Event's way; ends early where nothing behind it could be told. */
export async function* diagnose(api: ApiServer, installed: Installed, now: Now): AsyncGenerator<Finding> {
  const { namespace } = installed;
  const get = (path: string) => api.call('GET', path);
  const ask = async <T>(step: string, look: () => Promise<T>): Promise<T | Finding> =>
    look().catch((error: unknown): Finding => {
      if (error instanceof ApiError && error.status === 403) {
        return { verdict: '?', step, text: `you may not look (${error.message})` };
      }
      return { verdict: 'FAIL', step, text: whyNotRead(error) };
    });

  const started = now();
  const version = await ask('API server', () => get('/version'));
  if (isFinding(version)) return yield version;
  const answered = `${version.gitVersion}, answers in ${Math.round(now() - started)} ms`;
  yield { verdict: 'ok', step: 'API server', text: answered };

  const pods = await ask('forwarder', async () => {
    const selector = encodeURIComponent(forwarderLabels);
    return itemsOf(await get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`));
  });
  const there = isFinding(pods) ? [] : pods;
  const leaseName = installed.lease ?? leasesOf(there)[0] ?? usualLease;
  const found = there.filter((pod) => (environmentOf(pod)('LEASE_NAME') ?? leaseName) === leaseName);
  const name = field(found[0], 'spec', 'serviceAccountName');
  const account = typeof name === 'string' ? name : 'rootspan-forwarder';
  yield await checkRights(api, { namespace, account }, wantedBy(found));
  yield isFinding(pods) ? pods : checkPods(found, { namespace, leases: leasesOf(there) });

  const lease = await ask('leader', () =>
    get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${leaseName}`),
  );
  const names = isFinding(pods) ? undefined : found.map((pod) => String(field(pod, 'metadata', 'name')));
  if (isFinding(lease)) return yield explainMissingLease(lease, { namespace, leaseName, names });
  const holder = field(lease, 'spec', 'holderIdentity');
  yield checkLease(lease, { now: now(), namespace, names });
  if (typeof holder !== 'string' || holder === '' || names?.includes(holder) === false) return;

  const status = await ask('watch', () => readMetrics(api, namespace, holder));
  if (isFinding(status)) return yield status;
  yield* checkMetrics(status);
}

const isFinding = (value: unknown): value is Finding =>
  typeof value === 'object' && value !== null && 'verdict' in value && 'step' in value;
const itemsOf = (list: Json): Json[] => (Array.isArray(list.items) ? list.items : []);
const field = (object: Json | undefined, ...path: string[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Json | undefined)?.[key], object);

/** A kind, and which of its rights are missing: `list`, `watch`. */
interface Rights {
  name: string;
  group: string;
  resource: string;
  missing: string[];
}

async function checkRights(
  api: ApiServer,
  { namespace, account }: { namespace: string; account: string },
  wanted: readonly KindToWatch[],
): Promise<Finding> {
  const step = 'permissions';
  const user = `system:serviceaccount:${namespace}:${account}`;
  const own = [events, ...watchedObjects];
  let installed: WatchedResource[];
  let rights: Rights[];
  try {
    const served = await createDiscover(api, wanted)(AbortSignal.timeout(30_000));
    installed = [...served.values()].filter((resource) => resource !== undefined);
    rights = [];
    for (const resource of [...own, ...installed]) rights.push(await askRights(api, user, resource));
  } catch (error) {
    return { verdict: '?', step, text: `you may not ask for ${account}'s (${(error as Error).message})` };
  }
  const denied = rights.filter(({ missing }) => missing.length > 0);
  if (denied.length === 0)
    return { verdict: 'ok', step, text: `${account} may list and watch all ${rights.length} kinds` };
  const ownNames = new Set(own.map(resourceName));
  const deniedOwn = denied.filter(({ name }) => ownNames.has(name));
  if (deniedOwn.length === 0) return { verdict: '?', step, text: explainDenied(account, rights, wanted) };
  const all = denied.length === rights.length && denied.every(({ missing }) => missing.length === 2);
  const each = denied.flatMap(({ name, missing }) => missing.map((verb) => `${verb} ${name}`));
  const what = all ? 'list or watch anything' : each.join(', ');
  return {
    verdict: 'FAIL',
    step,
    text: `${account} may not ${what}; the chart's ClusterRole would allow it`,
  };
}

async function askRights(api: ApiServer, user: string, asked: WatchedResource): Promise<Rights> {
  const { resource, apiVersion } = asked;
  const group = groupOf(apiVersion);
  const missing: string[] = [];
  for (const verb of ['list', 'watch']) {
    const review = await api.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user,
          groups: ['system:serviceaccounts', 'system:authenticated'],
          resourceAttributes: { verb, group, resource },
        },
      },
    });
    if (field(review, 'status', 'allowed') !== true) missing.push(verb);
  }
  return { name: resourceName(asked), group, resource, missing };
}

/** Events flow all the same: without a custom kind their traces say less. */
function explainDenied(account: string, rights: readonly Rights[], wanted: readonly KindToWatch[]): string {
  const denied = rights.filter(({ missing }) => missing.length > 0);
  const isOfTable = ({ group }: { group: string }) => Object.hasOwn(customKinds, group || 'core');
  // A list is set as a whole: with what it has, not with what is missing alone.
  const values = [...new Set(denied.filter(isOfTable).map(({ group }) => group))].map((group) => {
    const resources = wanted.filter((kind) => kind.group === group).map(({ resource }) => resource);
    return `watch.${(group || 'core').replaceAll('.', '\\.')}=${JSON.stringify(resources)}`;
  });
  if (!denied.every(isOfTable)) {
    const extra = wanted.filter((kind) => !isOfTable(kind));
    values.push(`extraKinds=${JSON.stringify(extra.map(({ group, resource }) => ({ group, resource })))}`);
  }
  const names = denied.map(({ name }) => name).join(', ');
  return (
    `${account} may list and watch ${rights.length - denied.length} of ${rights.length} kinds, and not ${names}, which are ` +
    `installed; helm upgrade with ${values.map((value) => `--set-json '${value}'`).join(' ')} allows it`
  );
}

/** What the forwarder's pod was told to watch; without one what this version of the chart tells it. */
function wantedBy(pods: readonly Json[]): KindToWatch[] {
  const valueIn = environmentOf(pods[0]);
  try {
    return readKinds({ WATCH: valueIn('WATCH'), EXTRA_KINDS: valueIn('EXTRA_KINDS') });
  } catch {
    return kindsOf(customKinds);
  }
}

/** What its manifest says; nothing of what a Secret or the pod itself does. */
function environmentOf(pod: Json | undefined): (name: string) => string | undefined {
  const containers = (field(pod, 'spec', 'containers') ?? []) as Json[];
  const entries = containers.flatMap(({ env }) => (Array.isArray(env) ? (env as Json[]) : []));
  return (name) => {
    const value = entries.find((entry) => entry.name === name)?.value;
    return typeof value === 'string' ? value : undefined;
  };
}

/** One for each release in the namespace. */
const leasesOf = (pods: readonly Json[]): string[] => [
  ...new Set(pods.flatMap((pod) => environmentOf(pod)('LEASE_NAME') ?? [])),
];

function checkPods(
  pods: readonly Json[],
  { namespace, leases }: { namespace: string; leases: readonly string[] },
): Finding {
  const step = 'forwarder';
  if (pods.length === 0) {
    return {
      verdict: 'FAIL',
      step,
      text:
        leases.length === 0
          ? `no pod in namespace ${namespace}; helm install it, or name its --namespace`
          : `no pod of that --lease in namespace ${namespace}; the pods there are of ${leases.join(', ')}`,
    };
  }
  const isReady = (pod: Json) =>
    ((field(pod, 'status', 'conditions') ?? []) as Json[]).some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    );
  const ready = pods.filter(isReady).length;
  const restarts = pods
    .flatMap((pod) => (field(pod, 'status', 'containerStatuses') ?? []) as Json[])
    .reduce((sum, { restartCount }) => sum + Number(restartCount ?? 0), 0);
  const several = leases.length < 2 ? '' : `; of ${leases.join(', ')} --lease says which`;
  const text = `${ready} of ${pods.length} pods ready, ${restarts} restarts${several}`;
  if (ready > 0) return { verdict: 'ok', step, text };
  return { verdict: 'FAIL', step, text: `${text}; ${logsOf(namespace)} says why` };
}

const logsOf = (namespace: string): string =>
  `kubectl logs --namespace ${namespace} --selector ${forwarderLabels}`;

/** The names of the forwarder's pods; undefined where they may not be seen. */
type PodNames = readonly string[] | undefined;

function explainMissingLease(
  finding: Finding,
  { namespace, leaseName, names }: { namespace: string; leaseName: string; names: PodNames },
): Finding {
  if (finding.verdict !== 'FAIL') return finding;
  const why =
    names === undefined || names.length === 0
      ? 'no forwarder has ever led here'
      : `the pods have never led; ${logsOf(namespace)} says why`;
  return { ...finding, text: `no Lease ${leaseName} in namespace ${namespace}: ${why}` };
}

function checkLease(
  lease: Json,
  { now, namespace, names }: { now: number; namespace: string; names: PodNames },
): Finding {
  const step = 'leader';
  const holder = field(lease, 'spec', 'holderIdentity');
  if (typeof holder !== 'string' || holder === '') {
    return {
      verdict: 'FAIL',
      step,
      text: 'nobody leads: the last one gave up the Lease, and no pod takes it',
    };
  }
  const age = Math.round((now - Date.parse(String(field(lease, 'spec', 'renewTime')))) / 1000);
  const text = `${holder}, renewed ${age} s ago`;
  const isThere = names === undefined || names.includes(holder);
  if (age <= 30)
    return isThere
      ? { verdict: 'ok', step, text }
      : { verdict: '?', step, text: `${text}: its pod is gone; another leads within seconds, ask again` };
  const why = isThere ? 'it renews no more' : 'its pod is gone';
  const next = isThere
    ? `kubectl logs --namespace ${namespace} ${holder} says why`
    : names.length === 0
      ? 'no pod is there to lead'
      : `of the pods that are there none takes the Lease; ${logsOf(namespace)} says why`;
  return { verdict: 'FAIL', step, text: `${text}: ${why}; ${next}` };
}

/** By name and labels as they stand in the text: `rootspan_forwarder_leader` → 1. */
type Metrics = ReadonlyMap<string, number>;

async function readMetrics(api: ApiServer, namespace: string, pod: string): Promise<Metrics> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}:8080/proxy/metrics`;
  const metrics = new Map<string, number>();
  const signal = AbortSignal.timeout(10_000);
  for await (const line of api.lines(path, { signal, idleTimeout: 10_000 })) {
    const [, name, value] = /^(rootspan_forwarder_\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) metrics.set(name, Number(value));
  }
  return metrics;
}

const amount = (count: number): string => count.toLocaleString('en');

function* checkMetrics(metrics: Metrics): Generator<Finding> {
  const all = (name: string) =>
    [...metrics].filter(
      ([key]) => key === `rootspan_forwarder_${name}` || key.startsWith(`rootspan_forwarder_${name}{`),
    );
  const sum = (name: string) => all(name).reduce((total, [, value]) => total + value, 0);
  const by = (name: string, label: string) =>
    all(name)
      .filter(([, value]) => value > 0)
      .map(([key, value]) => `${new RegExp(`${label}="([^"]*)"`).exec(key)?.[1]} ${amount(value)}`)
      .join(', ');
  const received = sum('events_received_total');
  const shipped = sum('observations_shipped_total');
  const restarts = by('watch_restarts_total', 'reason');

  yield {
    verdict: received > 0 ? 'ok' : '?',
    step: 'watch',
    text: `${amount(received)} Events received${restarts && `; restarts: ${restarts}`}`,
  };
  const refused = by('lookups_total', 'result');
  yield {
    verdict: 'ok',
    step: 'snapshots',
    text: `${amount(sum('cached_objects'))} objects known${refused && `; looked up: ${refused}`}`,
  };
  const filtered = by('events_filtered_total', 'reason');
  const dropped = by('events_dropped_total', 'reason');
  yield {
    verdict: dropped === '' ? 'ok' : '?',
    step: 'filters',
    text: `${filtered || 'nothing'} filtered; ${dropped || 'nothing'} dropped`,
  };
  const retries = by('kinesis_retries_total', 'reason');
  const waiting = sum('channel_bytes');
  const age = sum('checkpoint_age_seconds');
  const [failing] = all('put_failing_seconds').flatMap(([key, seconds]) => {
    const reason = /reason="([^"]*)"/.exec(key)?.[1] ?? '';
    return isPutTrouble(reason) ? [{ reason, seconds }] : [];
  });
  // Nobody need wait for what nothing mends but people.
  const stands = waiting > 0 && (age > 120 || (failing !== undefined && lasts(failing.reason)));
  const why = failing === undefined ? 'the log says why' : explainTrouble(failing.reason);
  yield {
    verdict: stands ? 'FAIL' : shipped > 0 ? 'ok' : '?',
    step: 'stream',
    text:
      `${amount(shipped)} observations in ${amount(sum('records_total'))} records, ${amount(sum('shipped_bytes_total'))} bytes` +
      `${retries && `; retries: ${retries}`}${stands ? `; ${amount(waiting)} bytes wait: ${why}` : ''}`,
  };
  yield {
    verdict: stands ? 'FAIL' : 'ok',
    step: 'checkpoint',
    text:
      age < 1 ? 'nothing waits to be acknowledged' : `the oldest that waits came ${Math.round(age)} s ago`,
  };
}

export async function doctorCommand(context: CommandContext, args: string[]): Promise<void> {
  const { workingDirectory, write } = context;
  const { values } = readOptions('doctor', args, context);
  const { namespace = 'rootspan', lease } = values;
  const installed: Installed = { namespace, lease };
  const { api, address, context: name } = connectCluster(values, workingDirectory);
  const verdicts: Finding['verdict'][] = [];
  try {
    await write(`${address} (context ${name})\n`);
    for await (const { verdict, step, text } of diagnose(api, installed, Date.now)) {
      verdicts.push(verdict);
      await write(`${verdict.padEnd(5)}${step.padEnd(12)}${text}\n`);
    }
  } finally {
    api.close();
  }
  if (verdicts.includes('FAIL')) process.exitCode = 1;
  else
    await write(
      verdicts.includes('?') ? 'Nothing is broken that can be seen from here.\n' : 'Events flow.\n',
    );
}
