/**
 * Objects that are not watched, looked up: so rarely that the API server never notices, and so that what it may not or
 * cannot tell is not asked again and again. What was found is kept by whoever asked, cut (`snapshot-cache.ts`). Never a
 * Secret or a ConfigMap.
 */
import { neverShipped } from '../../../shared/snapshot-fields.ts';
import { ApiError, type ApiServer, type Json } from './api-server.ts';
import type { Clock } from './clock.ts';

/** As an Event or an ownerReference names an object; without a UID any of that name will do. */
export interface ObjectReference {
  apiVersion?: string | undefined;
  kind: string;
  namespace?: string | undefined;
  name: string;
  uid?: string | undefined;
}

export type LookUpResult =
  | { type: 'found'; object: Json }
  /** There is none of that name, or the one that there is has another UID. */
  | { type: 'gone' }
  | { type: 'forbidden' }
  /** The cluster has no such kind, or the reference names none. */
  | { type: 'unknown-kind' }
  /** Secrets and ConfigMaps. */
  | { type: 'never-read' }
  /** Too many look-ups at the moment; another time it may be found. */
  | { type: 'over-the-limit' }
  /** The API server did not answer as it should; another time it may be found. */
  | { type: 'unavailable'; error: unknown };

export interface LookUpPorts {
  api: ApiServer;
  clock: Pick<Clock, 'elapsed'>;
  /** Once for each resource that we may not read. */
  onForbidden(resource: string): void;
}

export interface LookUpSettings {
  /** Milliseconds for which an answer is good. */
  goneFor: number;
  forbiddenFor: number;
  unknownKindFor: number;
  /** Calls, those for discovery included. */
  perSecond: number;
  burst: number;
}

export const lookUpDefaults: LookUpSettings = {
  goneFor: 60_000,
  forbiddenFor: 10 * 60_000,
  unknownKindFor: 5 * 60_000,
  perSecond: 5,
  burst: 20,
};

/** One object; whoever wants its owners asks for them. */
export type LookUp = (reference: ObjectReference, signal?: AbortSignal) => Promise<LookUpResult>;

export function createLookUp(ports: LookUpPorts, settings: LookUpSettings = lookUpDefaults): LookUp {
  const { api, clock } = ports;
  const gone = createGone(settings.goneFor, clock);
  const takeToken = createTokenBucket(settings, clock);
  const discover = createDiscovery(ports, settings, takeToken);
  const forbidden = createForbidden(ports, settings);
  const running = new Map<string, Promise<LookUpResult>>();

  const ask = async (
    reference: ObjectReference,
    key: string,
    signal?: AbortSignal,
  ): Promise<LookUpResult> => {
    const found = await discover(reference, signal);
    if (found.type !== 'known') return found;
    const { resource, namespaced, base } = found.known;
    if (neverRead.has(resource)) return { type: 'never-read' };
    const name = `${base}/${resource}`;
    if (forbidden.is(name)) return { type: 'forbidden' };
    if (namespaced && !reference.namespace) return { type: 'gone' };
    if (!takeToken()) return { type: 'over-the-limit' };
    const scope = namespaced ? `${base}/namespaces/${reference.namespace}` : base;
    try {
      const object = await api.call('GET', `${scope}/${resource}/${reference.name}`, withSignal(signal));
      const uid = (object.metadata as Json | undefined)?.uid;
      if (reference.uid === undefined || uid === reference.uid) return { type: 'found', object };
      gone.add(key);
      return { type: 'gone' };
    } catch (error) {
      if (!(error instanceof ApiError)) return { type: 'unavailable', error };
      if (error.status === 404) {
        gone.add(key);
        return { type: 'gone' };
      }
      if (error.status !== 403) return { type: 'unavailable', error };
      forbidden.add(name);
      return { type: 'forbidden' };
    }
  };

  return async (reference, signal) => {
    if (neverShipped.has(reference.kind)) return { type: 'never-read' };
    // What is no name of an object or of a group could become another path.
    const { apiVersion = 'v1', namespace = '', name } = reference;
    if (!isPathSegment(name) || (namespace !== '' && !isPathSegment(namespace))) return { type: 'gone' };
    if (!/^(?:[a-z0-9.-]+\/)?[a-z0-9]+$/.test(apiVersion)) return { type: 'unknown-kind' };
    const key = [apiVersion, reference.kind, namespace, name, reference.uid ?? ''].join('|');
    if (gone.has(key)) return { type: 'gone' };
    const asked = running.get(key) ?? ask({ ...reference, apiVersion }, key, signal);
    running.set(key, asked);
    return asked.finally(() => running.delete(key));
  };
}

/** Of whatever group: one that serves Secrets by another name is meant as well. */
export const neverRead: ReadonlySet<string> = new Set(['secrets', 'configmaps']);

const withSignal = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

/** What Kubernetes asks of every name, and nothing that a URL reads as something else. */
const isPathSegment = (name: string): boolean => /^[\w.~:@-]+$/.test(name) && name !== '.' && name !== '..';

/** Groups and versions: more than any cluster has. */
const rememberedTables = 500;

interface KnownResource {
  resource: string;
  namespaced: boolean;
  /** `/api/v1` or `/apis/apps/v1`. */
  base: string;
}

type Discovered = { type: 'known'; known: KnownResource } | Exclude<LookUpResult, { type: 'found' }>;

/** Kinds to paths, by the API server's own table of each group and version. */
function createDiscovery(
  { api, clock, onForbidden }: LookUpPorts,
  { unknownKindFor, forbiddenFor }: LookUpSettings,
  takeToken: () => boolean,
) {
  interface Table {
    kinds: ReadonlyMap<string, KnownResource>;
    /** A kind that is not in it is looked for again after that: definitions of custom resources come and go. */
    goodUntil: number;
    isForbidden: boolean;
  }
  /** By path, the oldest first. Whoever may write Events may name groups that there are none of. */
  const tables = new Map<string, Table>();
  const running = new Map<string, Promise<Table | Discovered>>();

  const read = async (base: string, signal?: AbortSignal): Promise<Table | Discovered> => {
    if (!takeToken()) return { type: 'over-the-limit' };
    let table: Table;
    try {
      const kinds = readKinds(await api.call('GET', base, withSignal(signal)), base);
      table = { kinds, goodUntil: clock.elapsed() + unknownKindFor, isForbidden: false };
    } catch (error) {
      const status = error instanceof ApiError ? error.status : undefined;
      if (status !== 404 && status !== 403) return { type: 'unavailable', error };
      const isForbidden = status === 403;
      if (isForbidden) onForbidden(base);
      const goodUntil = clock.elapsed() + (isForbidden ? forbiddenFor : unknownKindFor);
      table = { kinds: new Map(), goodUntil, isForbidden };
    }
    tables.delete(base);
    tables.set(base, table);
    if (tables.size > rememberedTables) tables.delete(tables.keys().next().value!);
    return table;
  };

  return async ({ apiVersion = 'v1', kind }: ObjectReference, signal?: AbortSignal): Promise<Discovered> => {
    const base = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
    let table = tables.get(base);
    if (table === undefined || (!table.kinds.has(kind) && table.goodUntil <= clock.elapsed())) {
      const asked = running.get(base) ?? read(base, signal);
      running.set(base, asked);
      const answer = await asked.finally(() => running.delete(base));
      if ('type' in answer) return answer;
      table = answer;
    }
    const known = table.kinds.get(kind);
    if (known !== undefined) return { type: 'known', known };
    return { type: table.isForbidden ? 'forbidden' : 'unknown-kind' };
  };
}

function readKinds(answer: Json, base: string): Map<string, KnownResource> {
  const kinds = new Map<string, KnownResource>();
  for (const { name, kind, namespaced } of (answer.resources ?? []) as Json[]) {
    // Subresources have a slash.
    if (typeof name !== 'string' || typeof kind !== 'string' || !isPathSegment(name)) continue;
    kinds.set(kind, { resource: name, namespaced: namespaced === true, base });
  }
  return kinds;
}

/** Rights are given by resource: where one object is refused, so are the others. */
function createForbidden({ clock, onForbidden }: LookUpPorts, { forbiddenFor }: LookUpSettings) {
  const until = new Map<string, number>();
  return {
    is: (resource: string) => (until.get(resource) ?? Number.NEGATIVE_INFINITY) > clock.elapsed(),
    add(resource: string) {
      if (!until.has(resource)) onForbidden(resource);
      until.set(resource, clock.elapsed() + forbiddenFor);
    },
  };
}

/** Whoever may write Events may name objects that there are none of. */
const rememberedGone = 1_000;

function createGone(goneFor: number, clock: Pick<Clock, 'elapsed'>) {
  /** The oldest first: all are good for as long. */
  const until = new Map<string, number>();
  return {
    has: (key: string) => (until.get(key) ?? Number.NEGATIVE_INFINITY) > clock.elapsed(),
    add(key: string) {
      until.delete(key);
      until.set(key, clock.elapsed() + goneFor);
      if (until.size > rememberedGone) until.delete(until.keys().next().value!);
    },
  };
}

function createTokenBucket({ perSecond, burst }: LookUpSettings, clock: Pick<Clock, 'elapsed'>) {
  let tokens = burst;
  let filled = clock.elapsed();
  return (): boolean => {
    const now = clock.elapsed();
    tokens = Math.min(burst, tokens + ((now - filled) / 1000) * perSecond);
    filled = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
