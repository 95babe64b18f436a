/** What a live cluster still tells of one workload: the object, what is in its namespace, and the Events that are left. */
import {
  ApiError,
  type ApiServer,
  type Json,
  json,
} from '../../functions/forwarder/kubernetes/api-server.ts';
import { createDiscover } from '../../functions/forwarder/kubernetes/discover-kinds.ts';
import {
  customKinds,
  events,
  groupOf,
  kindsOf,
  type WatchedResource,
  watchedObjects,
} from '../../functions/forwarder/kubernetes/watched-resources.ts';
import { UserError } from '../../shared/errors.ts';
import { nearWord } from '../../shared/near-word.ts';
import type { Wanted } from './find-traces.ts';
import type { Source } from './input/list-sources.ts';
import { isKindWritten, wordsOf } from './kind-names.ts';
import { type ClusterObservations, readClusters } from './read-clusters.ts';

/** Objects in a page; so that no answer is hundreds of megabytes. */
const pageSize = 500;
const patience = 60_000;

/**
 * @param namespace where kubectl would look
 * @throws UserError where there is no such kind, or no such object
 */
export async function lookAtCluster(
  api: ApiServer,
  wanted: Wanted,
  namespace: string,
): Promise<ClusterObservations[]> {
  const kinds = await findKinds(api);
  const kind = kinds.find((one) => matches(wanted.kind, one));
  if (kind === undefined) {
    const meant = nearWord(
      wanted.kind.split('.')[0]!,
      kinds.flatMap((one) => wordsOf(one.kind)),
    );
    throw new UserError(
      `the cluster has no kind ${wanted.kind} that owns workloads or belongs to one; ${
        meant === undefined ? 'kubectl api-resources lists its kinds' : `is ${meant} meant?`
      }`,
    );
  }
  const within = kind.kind === 'Node' ? undefined : namespace;
  const there = await listObjects(api, kind, within, wanted.name);
  if (there.length === 0) throw new UserError(await explainMissing(api, kinds, kind, wanted, within));
  const own = await api.call('GET', '/api/v1/namespaces/kube-system');
  const items: Json[] = [{ ...own, apiVersion: 'v1', kind: 'Namespace' }, ...there];
  for (const resource of [events, ...kinds]) items.push(...(await listReadable(api, resource, within)));
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const source: Source = {
    name: 'the cluster',
    bytes: async function* () {
      yield text;
    },
    folders: [],
  };
  return readClusters([source], () => {});
}

/** What the forwarder watches, as far as this cluster has it. */
async function findKinds(api: ApiServer): Promise<WatchedResource[]> {
  const custom = await createDiscover(api, kindsOf(customKinds))(AbortSignal.timeout(patience));
  return [...watchedObjects, ...[...custom.values()].filter((resource) => resource !== undefined)];
}

function matches(written: string, { kind, apiVersion }: WatchedResource): boolean {
  const [, ...group] = written.split('.');
  // `deployments.v1.apps` names the version, too.
  const inGroup = group.length === 0 || group.join('.').endsWith(groupOf(apiVersion));
  return inGroup && isKindWritten(written, kind);
}

async function listObjects(
  api: ApiServer,
  { apiVersion, kind, resource }: WatchedResource,
  namespace: string | undefined,
  name?: string,
): Promise<Json[]> {
  const base = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const selector = name === undefined ? '' : `&fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const items: Json[] = [];
  for (let next = ''; ; ) {
    const query = `?limit=${pageSize}${selector}${next && `&continue=${encodeURIComponent(next)}`}`;
    const page = await api.call('GET', `${base}${within}/${resource}${query}`);
    // The items of a list do not say what they are. A server that knows no selector has all of them.
    for (const item of Array.isArray(page.items) ? page.items : [])
      if (name === undefined || json(json(item).metadata).name === name)
        items.push({ apiVersion, kind, ...json(item) });
    next = String(json(page.metadata).continue ?? '');
    if (next === '') return items;
  }
}

/** What you may not read is left out: the traces then tell less. */
async function listReadable(
  api: ApiServer,
  resource: WatchedResource,
  namespace: string | undefined,
): Promise<Json[]> {
  try {
    return await listObjects(api, resource, resource.kind === 'Node' ? undefined : namespace);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return [];
    throw error;
  }
}

async function explainMissing(
  api: ApiServer,
  kinds: readonly WatchedResource[],
  resource: WatchedResource,
  { name }: Wanted,
  namespace: string | undefined,
): Promise<string> {
  const others: string[] = [];
  for (const other of kinds) {
    const found = await listReadableByName(api, other, name);
    for (const object of found) {
      const within = json(object.metadata).namespace;
      others.push(`${other.kind}${within === undefined ? '' : ` in namespace ${within}`}`);
    }
  }
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const names = (await listReadable(api, resource, namespace)).map(({ metadata }) => json(metadata).name);
  const meant = nearWord(
    name,
    names.filter((one) => typeof one === 'string'),
  );
  if (meant !== undefined && others.length === 0)
    return `no ${resource.kind} ${name}${where}; is ${meant} meant?`;
  const advice =
    others.length === 0
      ? `nothing that owns workloads is called so in any namespace that you may read`
      : `there is a ${others.slice(0, 5).join(', a ')}${others.length > 5 ? `, and ${others.length - 5} more` : ''}`;
  return `no ${resource.kind} ${name}${where}; ${advice}`;
}

async function listReadableByName(api: ApiServer, resource: WatchedResource, name: string): Promise<Json[]> {
  try {
    return await listObjects(api, resource, undefined, name);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}
