/**
 * Which of the kinds to watch a cluster has, and in which version, by the API server's own tables: that of all groups, then one
 * for each version of a group that is there. A group that is not there costs nothing.
 */
import { neverShipped } from '../../../shared/snapshot-fields.ts';
import { ApiError, type ApiServer, type Json } from './api-server.ts';
import { neverRead } from './look-up-object.ts';
import { type KindToWatch, nameIn, type WatchedResource } from './watched-resources.ts';

/** By resource name; undefined: the cluster has none. What a broken API of others did not answer is left out. */
export type Served = ReadonlyMap<string, WatchedResource | undefined>;

/** @throws where the API server does not answer */
export type Discover = (signal: AbortSignal) => Promise<Served>;

/** @param wanted of each name one */
export function createDiscover(api: ApiServer, wanted: readonly KindToWatch[]): Discover {
  const groups = Map.groupBy(wanted, ({ group }) => group);
  return async (signal) => {
    const versions = readGroups(await api.call('GET', '/apis', { signal }));
    versions.set('', ['v1']);
    const served = new Map<string, WatchedResource | undefined>();
    for (const [group, kinds] of groups) {
      const read = (version: string) => readVersion(api, group, version, signal);
      const found = await findInGroup(kinds, versions.get(group) ?? [], read);
      for (const { resource } of found === undefined ? [] : kinds)
        served.set(nameIn(group, resource), found!.get(resource));
    }
    return served;
  };
}

/** Versions of each group, the preferred one first. */
function readGroups(answer: Json): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const group of entries(answer.groups)) {
    const preferred = (group.preferredVersion as Json | undefined)?.version;
    const all = [preferred, ...entries(group.versions).map(({ version }) => version)];
    versions.set(String(group.name), [...new Set(all.filter((version) => typeof version === 'string'))]);
  }
  return versions;
}

type Table = ReadonlyMap<string, WatchedResource>;

/** By plural, each in the first version that has it. Undefined: a table was not to be had. */
async function findInGroup(
  kinds: readonly KindToWatch[],
  versions: readonly string[],
  read: (version: string) => Promise<Table | undefined>,
): Promise<Table | undefined> {
  const found = new Map<string, WatchedResource>();
  for (const version of versions) {
    const open = kinds.filter((kind) => !found.has(kind.resource) && isVersionOf(kind, version, versions));
    if (open.length === 0) continue;
    const table = await read(version);
    if (table === undefined) return undefined;
    for (const { resource } of open) {
      const served = table.get(resource);
      if (served !== undefined) found.set(resource, served);
    }
  }
  return found;
}

const isVersionOf = (kind: KindToWatch, version: string, versions: readonly string[]): boolean =>
  kind.version === undefined || kind.version === version || !versions.includes(kind.version);

/** What can be listed and watched. An API of others (OpenShift's, say) may be away while the API server is well. */
async function readVersion(
  api: ApiServer,
  group: string,
  version: string,
  signal: AbortSignal,
): Promise<Table | undefined> {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const table = new Map<string, WatchedResource>();
  try {
    const answer = await api.call('GET', `/${group === '' ? 'api' : 'apis'}/${apiVersion}`, { signal });
    for (const { name, kind, verbs } of entries(answer.resources)) {
      if (typeof name !== 'string' || typeof kind !== 'string' || !Array.isArray(verbs)) continue;
      if (!verbs.includes('list') || !verbs.includes('watch')) continue;
      // Whatever they are called: the right to read them is not asked for, and would not be used.
      if (neverShipped.has(kind) || neverRead.has(name) || kind === 'Event') continue;
      table.set(name, { apiVersion, kind, resource: name, isCustom: true });
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Of a definition that has just been deleted.
    if (error.status !== 404) return undefined;
  }
  return table;
}

const entries = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : [];
