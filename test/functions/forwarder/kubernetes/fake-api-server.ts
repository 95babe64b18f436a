/**
 * An API server for tests and benchmarks: real HTTP on a port of the system's choice, objects in memory, and troubles
 * on demand. What a forwarder can see of the real one is alike: one counter of versions for everything, lists in pages
 * of one moment whose items have no kind, watches with bookmarks (none for Events), a history that is compacted,
 * optimistic locking, discovery, `Status` errors.
 *
 *     await using server = await startFakeApiServer();
 *     const pod = server.apply(pods, { metadata: { namespace: 'shop', name: 'web-0' } });
 *     const api = createApiServer(server.kubeConfig());
 *     server.troubles.push({ on: 'watch', do: 'reset' });
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { Json } from '../../../../functions/forwarder/kubernetes/api-server.ts';
import {
  collectionPath,
  events,
  type WatchedResource,
  watchedObjects,
} from '../../../../functions/forwarder/kubernetes/watched-resources.ts';

export interface FakeResource extends WatchedResource {
  /** Default: true, but for Nodes and Namespaces. */
  namespaced?: boolean;
}

export const pods: FakeResource = { apiVersion: 'v1', kind: 'Pod', resource: 'pods' };
export const namespaces: FakeResource = {
  apiVersion: 'v1',
  kind: 'Namespace',
  resource: 'namespaces',
  namespaced: false,
};
export const leases: FakeResource = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  resource: 'leases',
};
const ownEvents: FakeResource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', resource: 'events' };

export interface FakeSettings {
  resources: readonly FakeResource[];
  /** Milliseconds between bookmarks; the real one's are a minute apart. */
  bookmarkInterval: number;
  /** Milliseconds before each answer. */
  latency: number | (() => number);
  /** Changes of all resources that a watch can still begin with. */
  history: number;
  /** The version of the first object. */
  firstVersion: number;
  /** Bytes that may wait for a watcher that reads slowly before it is dropped. */
  slowWatcherBytes: number;
}

const defaults: FakeSettings = {
  resources: [events, ...watchedObjects, namespaces, leases, ownEvents],
  bookmarkInterval: 60_000,
  latency: 0,
  history: 100_000,
  firstVersion: 1000,
  slowWatcherBytes: 64 * 1024 * 1024,
};

/** What a trouble befalls: a call of this kind, or those whose `VERB path` matches. */
export type TroubleTarget = Verb | 'any' | RegExp;

export type Verb = 'list' | 'get' | 'create' | 'update' | 'watch' | 'discovery';

/** Each befalls the next call that fits (`times` of them), then it is gone. */
export type Trouble = { on: TroubleTarget; times?: number } & (
  | { do: 'status'; code: number; reason?: string; retryAfter?: number }
  /** The connection is reset before an answer. */
  | { do: 'reset' }
  /** No answer, and the connection stays. */
  | { do: 'silence' }
  /** The answer is lost though the work is done. */
  | { do: 'lose-answer' }
  /** A watch begins well and is closed at once. */
  | { do: 'close' }
  /** A watch begins well; then this line comes. */
  | { do: 'line'; text: string }
);

export interface FakeApiServer extends AsyncDisposable {
  url: string;
  kubeConfig(): KubeConfig;
  readonly settings: FakeSettings;
  /** Creates or replaces an object, by namespace and name, and tells the watchers. */
  apply(resource: WatchedResource, object: Json): Json;
  /** The same for many of them a second: `write` gives the JSON of the whole object, with its kind. Returns the version. */
  applyText(resource: WatchedResource, key: ObjectKey, write: (version: string) => string): string;
  /** Returns false where there is none. */
  remove(resource: WatchedResource, name: string, namespace?: string): boolean;
  objects(resource: WatchedResource): Json[];
  /** A definition of a custom resource comes, or goes with all that there is of it. */
  install(resource: FakeResource): void;
  uninstall(resource: WatchedResource): void;
  /** The newest version of all. */
  version(): number;
  /** Forgets the history: older versions and continue tokens answer 410. */
  compact(): void;
  /** Sends a bookmark to all watchers that asked for them, now; also to those of Events, when told. */
  bookmark(alsoEvents?: boolean): void;
  /** What is to go wrong, in order. */
  troubles: Trouble[];
  /** Running watches: end them as a server does that stops, cut the connection, or fall silent. */
  breakWatches(how: 'close' | 'reset' | 'silence' | { line: string }): void;
  /** Refuses connections and resets those that are open, until told otherwise: an API server that is away. */
  away(isAway: boolean): void;
  /** Requests by `VERB path`, without query. */
  requests: Map<string, number>;
  /** The query of each list and watch, newest last. */
  queries: string[];
  /** Credentials that came with requests. */
  authorizations: Set<string | undefined>;
  openConnections(): number;
  /** Connections there have been. */
  connections(): number;
  openWatches(): number;
}

export interface ObjectKey {
  namespace: string;
  name: string;
}

interface Collection {
  resource: FakeResource;
  path: string;
  /** By `namespace/name`; text is parsed when somebody wants it. */
  objects: Map<string, Json | string>;
  history: Change[];
  watchers: Set<Watcher>;
}

interface Change {
  version: number;
  namespace: string | undefined;
  line: string;
}

interface Watcher {
  collection: Collection;
  namespace: string | undefined;
  bookmarks: boolean;
  /** The last version that was told. */
  told: number;
  silent: boolean;
  response: ServerResponse;
}

/** A list of one moment whose other pages may still be asked for. */
interface Snapshot {
  version: number;
  items: Json[];
}

export async function startFakeApiServer(given: Partial<FakeSettings> = {}): Promise<FakeApiServer> {
  const settings = { ...defaults, ...given };
  let version = settings.firstVersion - 1;
  let compactedTo = version;
  let isAway = false;
  let connectionCount = 0;
  const collections = new Map<string, Collection>();
  const install = (resource: FakeResource) => {
    const path = collectionPath(resource);
    collections.set(path, { resource, path, objects: new Map(), history: [], watchers: new Set() });
  };
  settings.resources.forEach(install);
  const snapshots = new Map<string, Snapshot>();
  const troubles: Trouble[] = [];
  const requests = new Map<string, number>();
  const queries: string[] = [];
  const authorizations = new Set<string | undefined>();
  const sockets = new Set<Socket>();

  const collectionOf = (resource: WatchedResource): Collection => {
    const collection = collections.get(collectionPath(resource));
    if (collection === undefined) throw new Error(`the fake API server has no ${resource.resource}`);
    return collection;
  };

  const record = (collection: Collection, type: string, namespace: string | undefined, object: string) => {
    const line = `{"type":"${type}","object":${object}}\n`;
    collection.history.push({ version, namespace, line });
    if (collection.history.length > settings.history) {
      const dropped = collection.history.splice(0, Math.ceil(settings.history / 4));
      compactedTo = Math.max(compactedTo, dropped.at(-1)!.version);
    }
    for (const watcher of collection.watchers) {
      if (watcher.namespace === undefined || watcher.namespace === namespace) tell(watcher, version, line);
    }
  };

  const tell = (watcher: Watcher, told: number, line: string) => {
    if (watcher.silent || watcher.response.writableEnded) return;
    watcher.told = told;
    watcher.response.write(line);
    if (watcher.response.writableLength > settings.slowWatcherBytes) watcher.response.destroy();
  };

  const store = (collection: Collection, object: Json): Json => {
    const { apiVersion, kind } = collection.resource;
    const metadata = object.metadata as Json;
    const key = keyOf(metadata);
    const before = parsed(collection.objects.get(key))?.metadata as Json | undefined;
    version++;
    const stored: Json = {
      apiVersion,
      kind,
      ...object,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? before?.uid ?? randomUUID(),
        creationTimestamp:
          before?.creationTimestamp ?? metadata.creationTimestamp ?? new Date().toISOString(),
        resourceVersion: String(version),
      },
    };
    collection.objects.set(key, stored);
    const type = before === undefined ? 'ADDED' : 'MODIFIED';
    record(collection, type, metadata.namespace as string | undefined, JSON.stringify(stored));
    return stored;
  };

  const remove = (collection: Collection, key: string): boolean => {
    const object = parsed(collection.objects.get(key));
    if (object === undefined) return false;
    version++;
    collection.objects.delete(key);
    const metadata = { ...(object.metadata as Json), resourceVersion: String(version) };
    const { namespace } = object.metadata as { namespace?: string };
    record(collection, 'DELETED', namespace, JSON.stringify({ ...object, metadata }));
    return true;
  };

  const list = (
    collection: Collection,
    namespace: string | undefined,
    query: URLSearchParams,
  ): Json | Failure => {
    const limit = Number(query.get('limit') ?? 0);
    const token = query.get('continue');
    let snapshot: Snapshot | undefined;
    let from = 0;
    if (token === null) {
      const items = [...collection.objects]
        .filter(([key]) => namespace === undefined || key.startsWith(`${namespace}/`))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => {
          const { apiVersion: _, kind: __, ...item } = parsed(object)!;
          return item;
        });
      snapshot = { version, items };
    } else {
      const [id, start] = token.split(' ');
      snapshot = snapshots.get(id!);
      from = Number(start);
      if (snapshot === undefined || snapshot.version < compactedTo) return expired;
    }
    const items = limit > 0 ? snapshot.items.slice(from, from + limit) : snapshot.items.slice(from);
    const isLast = from + items.length >= snapshot.items.length;
    const id = `${collection.path}@${snapshot.version}@${namespace ?? ''}`;
    if (isLast) snapshots.delete(id);
    else snapshots.set(id, snapshot);
    const { apiVersion, kind } = collection.resource;
    const metadata = {
      resourceVersion: String(snapshot.version),
      ...(!isLast && { continue: `${id} ${from + items.length}` }),
    };
    return { apiVersion, kind: `${kind}List`, metadata, items };
  };

  const watch = async (
    collection: Collection,
    namespace: string | undefined,
    query: URLSearchParams,
    response: ServerResponse,
    trouble: Trouble | undefined,
  ): Promise<unknown> => {
    const start = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (start < compactedTo) return response.end(statusLine(expired));
    const bookmarks = query.get('allowWatchBookmarks') === 'true';
    const watcher: Watcher = { collection, namespace, bookmarks, told: start, silent: false, response };
    const timeout = setTimeout(() => response.end(), Number(query.get('timeoutSeconds') ?? 1800) * 1000);
    response.on('close', () => {
      clearTimeout(timeout);
      collection.watchers.delete(watcher);
    });
    // What was before is told at the watcher's pace; only with what comes then it may be too slow.
    for (let index = firstAfter(collection.history, start); index < collection.history.length; index++) {
      const change = collection.history[index]!;
      if (namespace === undefined || change.namespace === namespace)
        tell(watcher, change.version, change.line);
      if (!response.writableNeedDrain) continue;
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
      if (response.destroyed) return undefined;
      if (change.version < compactedTo) return response.end(statusLine(expired));
      index = firstAfter(collection.history, change.version) - 1;
    }
    collection.watchers.add(watcher);
    if (trouble?.do === 'close') response.end();
    if (trouble?.do === 'line') response.write(`${trouble.text}\n`);
    return undefined;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url!, 'http://fake');
    const route = readRoute(collections, url.pathname);
    const verb = verbOf(request.method!, route, url.searchParams);
    const call = `${verb} ${url.pathname}`;
    requests.set(call, (requests.get(call) ?? 0) + 1);
    if (verb === 'list' || verb === 'watch') queries.push(url.search);
    authorizations.add(request.headers.authorization);
    if (queries.length > 1000) queries.splice(0, 500);
    const body = request.method === 'GET' ? undefined : (JSON.parse(await text(request)) as Json);
    const latency = typeof settings.latency === 'number' ? settings.latency : settings.latency();
    if (latency > 0) await delay(latency);

    const trouble = takeTrouble(troubles, verb, call);
    if (trouble?.do === 'reset') return (request.socket as Socket).resetAndDestroy();
    if (trouble?.do === 'silence') return;
    if (trouble?.do === 'status') return fail(response, trouble);

    if (route.type === 'discovery')
      return route.body ? reply(response, 200, route.body) : fail(response, notFound);
    if (route.type === 'unknown') return fail(response, notFound);
    const { collection, namespace } = route;
    if (verb === 'watch')
      return void (await watch(collection, namespace, url.searchParams, response, trouble));
    const result = work();
    if (trouble?.do === 'lose-answer') return (request.socket as Socket).resetAndDestroy();
    if ('code' in result && 'do' in result) return fail(response, result as Failure);
    return reply(response, verb === 'create' ? 201 : 200, result);

    function work(): Json | Failure {
      if (verb === 'list') return list(collection, namespace, url.searchParams);
      const key = `${namespace ?? ''}/${route.type === 'object' ? route.name : ''}`;
      if (verb === 'get') return parsed(collection.objects.get(key)) ?? notFound;
      const metadata = body!.metadata as Json;
      if (verb === 'create') {
        metadata.namespace ??= namespace;
        metadata.name ??= `${metadata.generateName}${randomUUID().slice(0, 5)}`;
        return collection.objects.has(keyOf(metadata)) ? alreadyExists : store(collection, body!);
      }
      const existing = parsed(collection.objects.get(key))?.metadata as Json | undefined;
      if (existing === undefined) return notFound;
      const fits = [undefined, '', existing.resourceVersion].includes(metadata.resourceVersion as string);
      return fits ? store(collection, body!) : conflict;
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    if (isAway) return socket.resetAndDestroy();
    connectionCount++;
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const watchers = function* () {
    for (const { watchers } of collections.values()) yield* watchers;
  };
  const bookmark = (alsoEvents = false) => {
    for (const watcher of watchers()) {
      const { apiVersion, kind } = watcher.collection.resource;
      if (!watcher.bookmarks || (kind === 'Event' && !alsoEvents)) continue;
      const object = { apiVersion, kind, metadata: { resourceVersion: String(version) } };
      tell(watcher, version, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    }
  };
  const bookmarking = setInterval(bookmark, settings.bookmarkInterval);

  return {
    url,
    settings,
    troubles,
    requests,
    queries,
    authorizations,
    kubeConfig() {
      const config = new KubeConfig();
      config.loadFromClusterAndUser({ name: 'fake', server: url, skipTLSVerify: true }, { name: 'nobody' });
      return config;
    },
    apply: (resource, object) => store(collectionOf(resource), object),
    applyText(resource, { namespace, name }, write) {
      const collection = collectionOf(resource);
      const key = `${namespace}/${name}`;
      const type = collection.objects.has(key) ? 'MODIFIED' : 'ADDED';
      const text = write(String(++version));
      collection.objects.set(key, text);
      record(collection, type, namespace, text);
      return String(version);
    },
    remove: (resource, name, namespace) => remove(collectionOf(resource), `${namespace ?? ''}/${name}`),
    objects: (resource) => [...collectionOf(resource).objects.values()].map((object) => parsed(object)!),
    install,
    uninstall(resource) {
      const collection = collectionOf(resource);
      for (const key of [...collection.objects.keys()]) remove(collection, key);
      collections.delete(collection.path);
      for (const { response } of collection.watchers) response.end();
    },
    version: () => version,
    compact() {
      compactedTo = version;
      snapshots.clear();
      for (const collection of collections.values()) collection.history = [];
    },
    bookmark,
    breakWatches(how) {
      for (const watcher of [...watchers()]) {
        if (how === 'close') watcher.response.end();
        else if (how === 'reset') watcher.response.socket?.resetAndDestroy();
        else if (how === 'silence') watcher.silent = true;
        else tell(watcher, watcher.told, `${how.line}\n`);
      }
    },
    away(is) {
      isAway = is;
      if (is) for (const socket of [...sockets]) socket.resetAndDestroy();
    },
    openConnections: () => sockets.size,
    connections: () => connectionCount,
    openWatches: () => [...watchers()].length,
    async [Symbol.asyncDispose]() {
      clearInterval(bookmarking);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const parsed = (object: Json | string | undefined): Json | undefined =>
  typeof object === 'string' ? (JSON.parse(object) as Json) : object;

type Failure = Extract<Trouble, { do: 'status' }>;

const failure = (code: number, reason: string): Failure => ({ on: 'any', do: 'status', code, reason });
const expired = failure(410, 'Expired');
const notFound = failure(404, 'NotFound');
const conflict = failure(409, 'Conflict');
const alreadyExists = failure(409, 'AlreadyExists');

const statusOf = ({ code, reason = 'InternalError' }: Failure): Json => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: `${reason}, says the fake API server`,
  reason,
  code,
});

const statusLine = (failure: Failure) => `${JSON.stringify({ type: 'ERROR', object: statusOf(failure) })}\n`;

/** As the server writes it into a watch whose history is gone. */
export const expiredLine = statusLine(expired).trim();

function fail(response: ServerResponse, failure: Failure): void {
  if (failure.retryAfter !== undefined) response.setHeader('retry-after', failure.retryAfter);
  reply(response, failure.code, statusOf(failure));
}

const reply = (response: ServerResponse, code: number, body: Json): void => {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

function takeTrouble(troubles: Trouble[], verb: Verb, call: string): Trouble | undefined {
  const index = troubles.findIndex(({ on }) =>
    on instanceof RegExp ? on.test(call) : on === 'any' || on === verb,
  );
  const trouble = troubles[index];
  if (trouble === undefined) return undefined;
  const times = (trouble.times ?? 1) - 1;
  if (times > 0) troubles[index] = { ...trouble, times };
  else troubles.splice(index, 1);
  return trouble;
}

const keyOf = (metadata: Json): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** The first change that is newer: the history is in order. */
function firstAfter(history: readonly Change[], version: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (history[middle]!.version <= version) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Route =
  | { type: 'collection'; collection: Collection; namespace: string | undefined }
  | { type: 'object'; collection: Collection; namespace: string | undefined; name: string }
  | { type: 'discovery'; body: Json | undefined }
  | { type: 'unknown' };

function readRoute(collections: ReadonlyMap<string, Collection>, path: string): Route {
  if (path === '/api' || path === '/apis')
    return { type: 'discovery', body: discoverGroups(collections, path) };
  const [, base, rest] = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  if (base === undefined) return { type: 'unknown' };
  if (rest === undefined) return { type: 'discovery', body: discover(collections, base) };
  const parts = rest.split('/').map(decodeURIComponent);
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined;
  const [resource, name] = namespace === undefined ? parts : parts.slice(2);
  const collection = collections.get(`${base}/${resource}`);
  if (collection === undefined) return { type: 'unknown' };
  return name === undefined
    ? { type: 'collection', collection, namespace }
    : { type: 'object', collection, namespace, name };
}

const clusterScoped: ReadonlySet<string> = new Set(['Node', 'Namespace']);

function discover(collections: ReadonlyMap<string, Collection>, base: string): Json | undefined {
  const groupVersion = base.replace(/^\/apis?\//, '');
  const resources = [...collections.values()]
    .filter(({ resource }) => resource.apiVersion === groupVersion)
    .flatMap(({ resource: { resource, kind, namespaced = !clusterScoped.has(kind) } }) => [
      { name: resource, singularName: kind.toLowerCase(), namespaced, kind, verbs: ['get', 'list', 'watch'] },
      { name: `${resource}/status`, singularName: '', namespaced, kind, verbs: ['get'] },
    ]);
  return resources.length === 0 ? undefined : { kind: 'APIResourceList', groupVersion, resources };
}

/** What client-go asks first: the versions of the core, and all groups. */
function discoverGroups(collections: ReadonlyMap<string, Collection>, path: string): Json {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  const groupVersions = [...new Set([...collections.values()].map(({ resource }) => resource.apiVersion))];
  const custom = groupVersions.filter((groupVersion) => groupVersion.includes('/'));
  const groups = [...Map.groupBy(custom, (groupVersion) => groupVersion.split('/')[0])].map(
    ([name, ofGroup]) => {
      const versions = ofGroup.map((groupVersion) => ({ groupVersion, version: groupVersion.split('/')[1] }));
      return { name, versions, preferredVersion: versions[0] };
    },
  );
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

function verbOf(method: string, route: Route, query: URLSearchParams): Verb {
  if (route.type === 'discovery') return 'discovery';
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (query.get('watch') === 'true') return 'watch';
  return route.type === 'object' ? 'get' : 'list';
}
