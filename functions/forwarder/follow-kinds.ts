/**
 * Kinds that are not Kubernetes' own: looked for now and then, and at once when somebody names one that nobody here has heard
 * of; each is followed from when it is found until it cannot be any more.
 */
import type { ObjectReference } from '../../shared/observation.ts';
import type { Clock } from './kubernetes/clock.ts';
import type { Discover, Served } from './kubernetes/discover-kinds.ts';
import type { Unavailable } from './kubernetes/watch-signal.ts';
import { groupOf, type WatchedResource } from './kubernetes/watched-resources.ts';
import type { KindRemark } from './remarks.ts';

export interface KindPorts {
  discover: Discover;
  clock: Clock;
  /** Until the signal is aborted, or the kind cannot be followed. `onReady`: once all that there is is known. */
  follow(resource: WatchedResource, onReady: () => void): Promise<Unavailable | undefined>;
  /** The cluster has the kind no more. */
  forget(resource: WatchedResource): Promise<void>;
  report(remark: KindRemark): void;
  signal: AbortSignal;
}

export interface KindSettings {
  /**
   * Milliseconds between looks at what is installed. Smaller: some 20 requests more each time, in a cluster that has everything.
   * Larger: what nobody speaks of is watched later after it was installed, or after the right to watch it was given.
   */
  lookEvery: number;
  /** Milliseconds between looks, whoever asks for one. Smaller: who may write Events may have us ask all the time. */
  leastPause: number;
  /** Milliseconds after which what could not be asked is asked again. Larger: no list within the time that Events wait for it. */
  retryAfter: number;
}

export const defaultKindSettings: KindSettings = {
  lookEvery: 300_000,
  leastPause: 30_000,
  retryAfter: 5_000,
};

export interface FollowedKinds {
  /** Whether all objects of its kind are known. */
  isFollowed(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): boolean;
  /** Somebody speaks of an object of that kind. */
  named(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): void;
  /** By resource name, what is installed. */
  states(): ReadonlyMap<string, KindState>;
  /** Once what was found first is known, or cannot be followed. */
  firstKnown: Promise<void>;
  ended: Promise<void>;
}

export type KindState = 'listing' | 'watched' | Unavailable;

interface Kind {
  resource: WatchedResource;
  state: KindState;
  /** When it was last begun or ended: milliseconds that only go forward. */
  since: number;
}

/** Whoever may write Events may name kinds that there are none of. */
const mostNamed = 1_000;

export function followKinds(ports: KindPorts, settings: KindSettings): FollowedKinds {
  const { discover, clock, report, signal } = ports;
  const asked = createAsked(clock, settings);
  const first = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  let groups: ReadonlySet<string> = new Set();
  let next = new AbortController();
  const lookNow = () => next.abort();
  const kinds: Kinds = {
    ports,
    found: new Map(),
    running: new Set(),
    onUnknown: lookNow,
    onFailed: failed.reject,
  };

  const look = async (): Promise<boolean> => {
    let served: Served;
    try {
      served = await discover(signal);
    } catch (error) {
      if (!signal.aborted) report({ type: 'kinds-unknown', error });
      return false;
    }
    groups = new Set([...served.keys()].map(groupOfName));
    void Promise.all(await takeServed(kinds, served, settings)).then(() => first.resolve());
    return true;
  };

  const run = async () => {
    while (!signal.aborted) {
      next = new AbortController();
      const until = AbortSignal.any([signal, next.signal]);
      const looked = await look();
      if (looked) await clock.sleep(settings.leastPause, signal);
      await clock.sleep(looked ? settings.lookEvery - settings.leastPause : settings.retryAfter, until);
    }
    await kindsEnded(kinds);
  };

  return {
    isFollowed: (reference) => kindsOf(kinds, reference).some(({ state }) => state === 'watched'),
    named(reference) {
      const group = groupOf(reference.apiVersion ?? '');
      if (!groups.has(group) || group === '' || kindsOf(kinds, reference).length > 0) return;
      if (asked(`${group}/${reference.kind}`)) lookNow();
    },
    states: () => new Map([...kinds.found].map(([name, { state }]) => [name, state])),
    firstKnown: first.promise,
    ended: Promise.race([run(), failed.promise]),
  };
}

/** Those that were found. */
interface Kinds {
  readonly ports: KindPorts;
  /** By resource name. */
  readonly found: Map<string, Kind>;
  readonly running: Set<Promise<void>>;
  /** One that was found is not there any more. */
  onUnknown(): void;
  onFailed(error: unknown): void;
}

/** Each resolves once what was begun is known. */
async function takeServed(
  kinds: Kinds,
  served: Served,
  { lookEvery }: KindSettings,
): Promise<Promise<void>[]> {
  const { clock, forget } = kinds.ports;
  const begun: Promise<void>[] = [];
  for (const [name, resource] of served) {
    const known = kinds.found.get(name);
    if (resource !== undefined) {
      // What was tried a moment ago is not tried again because somebody spoke of something else.
      const least = clock.elapsed() - lookEvery / 2;
      if (known === undefined || isDue(known, resource, least)) begun.push(startKind(kinds, name, resource));
    } else if (known?.state === 'unknown') {
      kinds.found.delete(name);
      await forget(known.resource);
    }
  }
  return begun;
}

/** Resolves once it is known or has ended. */
function startKind(kinds: Kinds, name: string, resource: WatchedResource): Promise<void> {
  const { found, running, ports } = kinds;
  const before = found.get(name)?.state;
  const kind: Kind = { resource, state: 'listing', since: ports.clock.elapsed() };
  found.set(name, kind);
  const known = Promise.withResolvers<void>();
  const followed = async () => {
    const why = await ports.follow(resource, () => {
      kind.state = 'watched';
      known.resolve();
    });
    known.resolve();
    if (why !== undefined) endKind(kinds, name, kind, why, before);
  };
  const tracked: Promise<void> = followed()
    .catch(kinds.onFailed)
    .finally(() => running.delete(tracked));
  running.add(tracked);
  return known.promise;
}

/** @param before its state when it was last begun: what was told is not told again */
function endKind(
  { ports, onUnknown }: Kinds,
  name: string,
  kind: Kind,
  why: Unavailable,
  before: KindState | undefined,
): void {
  kind.state = why;
  kind.since = ports.clock.elapsed();
  if (why !== before) ports.report({ type: 'kind-unavailable', resource: name, why });
  if (why === 'unknown') onUnknown();
}

/** Of a reference that names no group any group will do. */
const kindsOf = (
  { found }: Kinds,
  { apiVersion, kind }: Pick<ObjectReference, 'apiVersion' | 'kind'>,
): Kind[] =>
  [...found.values()].filter(
    ({ resource }) =>
      resource.kind === kind &&
      (apiVersion === undefined || groupOf(resource.apiVersion) === groupOf(apiVersion)),
  );

async function kindsEnded({ running }: Kinds): Promise<void> {
  while (running.size > 0) await Promise.all(running);
}

/** Of what is not followed; at once where it is served in another version than the one that ended. */
function isDue({ state, since, resource }: Kind, { apiVersion }: WatchedResource, least: number): boolean {
  if (state === 'listing' || state === 'watched') return false;
  return resource.apiVersion !== apiVersion || since <= least;
}

/** Of a resource name: the plural has no dot. */
const groupOfName = (name: string): string => name.split('.').slice(1).join('.');

/**
 * Whether to look because of that kind: when it is first named, and again after a growing pause. The tables of a kind that was
 * installed this second may not be there yet; one that nobody watches is named all the time.
 */
function createAsked(
  clock: Pick<Clock, 'elapsed'>,
  { leastPause, lookEvery }: KindSettings,
): (what: string) => boolean {
  /** The longest ago first. */
  const asked = new Map<string, { at: number; times: number }>();
  return (what) => {
    const now = clock.elapsed();
    const { at, times } = asked.get(what) ?? { at: Number.NEGATIVE_INFINITY, times: 0 };
    if (now - at < Math.min(leastPause * 4 ** (times - 1), lookEvery)) return false;
    asked.delete(what);
    asked.set(what, { at: now, times: times + 1 });
    if (asked.size > mostNamed) asked.delete(asked.keys().next().value!);
    return true;
  };
}
