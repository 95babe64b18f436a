/** A cluster's API server as the forwarder's ports see it: versions, history that can be compacted, lists and watches. */
import type { Follow } from '../../../functions/forwarder/follow-objects.ts';
import type { Json } from '../../../functions/forwarder/kubernetes/api-server.ts';
import type { Discover } from '../../../functions/forwarder/kubernetes/discover-kinds.ts';
import type { LookUp } from '../../../functions/forwarder/kubernetes/look-up-object.ts';
import type { WatchSignal } from '../../../functions/forwarder/kubernetes/watch-signal.ts';
import {
  customKinds,
  events,
  kindsOf,
  nameIn,
  resourceName,
  type WatchedResource,
  watchedObjects,
} from '../../../functions/forwarder/kubernetes/watched-resources.ts';

export interface Metadata extends Json {
  name: string;
  uid: string;
  namespace?: string;
}

export type Raw = Json & { kind: string; metadata: Metadata };

interface Change {
  version: number;
  resource: string;
  how: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Raw;
}

export interface MemoryCluster {
  follow: Follow;
  discover: Discover;
  lookUp: LookUp;
  /** A definition of a custom resource is there, and whether it may be read. */
  install(resource: WatchedResource, options?: { isForbidden?: boolean }): void;
  /** The definition goes, and all that there is of it. */
  uninstall(resource: WatchedResource): void;
  /** Creates or changes; the object gets the next version. */
  put(object: Raw): Raw;
  remove(uid: string): void;
  /** What came before is no history any more. */
  compact(): void;
  /** All objects that are there. */
  objects(): Raw[];
  version(): string;
  /** Kinds and names that were looked up. */
  lookedUp: string[];
  /** Lists that were made, by resource. */
  lists: string[];
}

export function createMemoryCluster(): MemoryCluster {
  let version = 100;
  let compacted = 0;
  const names = new Map(
    [...watchedObjects, events].map((resource) => [resource.kind, resourceName(resource)]),
  );
  const installed = new Map<string, { resource: WatchedResource; isForbidden: boolean }>();
  const state = new Map<string, Raw>();
  const history: Change[] = [];
  const readers = new Set<() => void>();
  const lookedUp: string[] = [];
  const lists: string[] = [];
  const receivedAt = () => new Date(Date.UTC(2026, 2, 1) + version * 1000).toISOString();

  const write = (how: Change['how'], object: Raw) => {
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
    const resource = names.get(object.kind);
    if (resource !== undefined) history.push({ version, resource, how, object: written });
    if (how === 'DELETED') state.delete(object.metadata.uid);
    else state.set(object.metadata.uid, written);
    for (const wake of readers) wake();
    return written;
  };

  const changed = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        readers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      readers.add(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });

  async function* follow(
    resource: WatchedResource,
    { from, signal }: { from: string | undefined; signal: AbortSignal },
  ): AsyncGenerator<WatchSignal> {
    const name = resourceName(resource);
    let at = from === undefined ? undefined : Number(from);
    while (!signal.aborted) {
      const custom = installed.get(name);
      const isServed = custom?.resource.apiVersion === resource.apiVersion;
      if (resource.isCustom && (!isServed || custom.isForbidden)) {
        yield { type: 'unavailable', why: isServed ? 'forbidden' : 'unknown' };
        return;
      }
      if (at === undefined || at < compacted) {
        lists.push(name);
        yield { type: 'list-start' };
        const listed = version;
        for (const object of [...state.values()].filter(({ kind }) => kind === resource.kind)) {
          yield { type: 'listed', object, receivedAt: receivedAt() };
          if (signal.aborted) return;
        }
        at = listed;
        yield { type: 'list-complete', resourceVersion: String(at), receivedAt: receivedAt() };
        continue;
      }
      const next = history.find((change) => change.resource === name && change.version > at!);
      if (next === undefined) {
        await changed(signal);
        continue;
      }
      at = next.version;
      yield { type: 'changed', how: next.how, object: next.object, receivedAt: receivedAt() };
    }
  }

  const wakeAll = () => {
    for (const wake of readers) wake();
  };

  return {
    follow,
    discover: async () =>
      new Map([
        ...kindsOf(customKinds).map(({ group, resource }) => [nameIn(group, resource), undefined] as const),
        ...[...installed].map(([name, { resource }]) => [name, resource] as const),
      ]),
    install(resource, { isForbidden = false } = {}) {
      names.set(resource.kind, resourceName(resource));
      installed.set(resourceName(resource), { resource: { ...resource, isCustom: true }, isForbidden });
      wakeAll();
    },
    uninstall(resource) {
      for (const { kind, metadata } of [...state.values()])
        if (kind === resource.kind) write('DELETED', state.get(metadata.uid)!);
      installed.delete(resourceName(resource));
      wakeAll();
    },
    async lookUp({ kind, namespace, name }) {
      lookedUp.push(`${kind}/${name}`);
      const object = [...state.values()].find(
        (each) => each.kind === kind && each.metadata.name === name && each.metadata.namespace === namespace,
      );
      return object === undefined ? { type: 'gone' } : { type: 'found', object };
    },
    put: (object) => write(state.has(object.metadata.uid) ? 'MODIFIED' : 'ADDED', object),
    remove: (uid) => void write('DELETED', state.get(uid)!),
    compact() {
      history.length = 0;
      compacted = version;
    },
    objects: () => [...state.values()],
    version: () => String(version),
    lookedUp,
    lists,
  };
}

const namespace = 'shop';

const controlledBy = (owner: Raw | undefined) =>
  owner && [
    {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
    },
  ];

/** An object of namespace shop, whose UID is `uid of KIND NAME`. */
export const anObject = (
  apiVersion: string,
  kind: string,
  name: string,
  owner?: Raw,
  more: Json = {},
): Raw => ({
  apiVersion,
  kind,
  metadata: {
    name,
    namespace,
    uid: `uid of ${kind} ${name}`,
    generation: 1,
    ...(owner && { ownerReferences: controlledBy(owner) }),
  },
  ...more,
});

export const deployment = (name: string) => anObject('apps/v1', 'Deployment', name);
export const replicaSet = (name: string, owner?: Raw) => anObject('apps/v1', 'ReplicaSet', name, owner);
export const pod = (name: string, owner?: Raw) => anObject('v1', 'Pod', name, owner);

/** An Event about an object, at its count. */
export const anEvent = (
  name: string,
  about: Raw,
  { count = 1, reason = 'Pulled', message = 'said' } = {},
): Raw => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace, uid: `uid of ${name}` },
  involvedObject: {
    apiVersion: about.apiVersion,
    kind: about.kind,
    namespace: about.metadata.namespace,
    name: about.metadata.name,
    uid: about.metadata.uid,
  },
  reason,
  message,
  type: 'Normal',
  count,
});
