/**
 * Follows one resource for ever: a list, then a watch from the list's version, which is resumed from the last version
 * seen whenever it ends. What goes wrong is a pause, never an end: only the signal ends it, and a custom kind's being forbidden
 * or gone.
 */
import { ApiError, type ApiServer, type Json, SilentConnection } from './api-server.ts';
import type { Clock } from './clock.ts';
import { isHistoryGone, listPages } from './list-pages.ts';
import { toApiError } from './read-status.ts';
import { compareVersions, isResourceVersion } from './resource-versions.ts';
import type { Unavailable, WatchSignal } from './watch-signal.ts';
import { collectionPath, resourceName, type WatchedResource } from './watched-resources.ts';

export interface WatchPorts {
  api: ApiServer;
  clock: Clock;
  /** From 0 to below 1. */
  random(): number;
  report(remark: WatchRemark): void;
}

/** For figures and logs; `resource` as in checkpoints, `wait` in milliseconds until the next try. */
export type WatchRemark =
  /** A list is complete. */
  | { type: 'listed'; resource: string; objects: number }
  /** The watch goes on from the last version, or with a list. */
  | { type: 'restarted'; resource: string; reason: RestartReason; wait: number; error?: unknown }
  /** The credentials or their rights do not suffice: 401, 403. They may come right. */
  | { type: 'refused'; resource: string; status: number; wait: number; error: ApiError }
  /** The cluster has no such resource: 404. It may get it. */
  | { type: 'unknown-resource'; resource: string; wait: number }
  /** What comes after that version cannot be read, however often it is asked for: a list passes it by. */
  | { type: 'unreadable-line'; resource: string; after: string };

export type RestartReason =
  /** By the server, as it does every few minutes. */
  | 'closed'
  /** Nothing came for the idle timeout: usual for Events in a quiet cluster. */
  | 'silent'
  /** The connection broke, or there was none. */
  | 'network'
  /** The history is gone: 410. */
  | 'expired'
  /** 429. */
  | 'throttled'
  /** 500 and more, and what else nobody expects. */
  | 'server-error'
  | 'malformed'
  /** The cluster's versions are lower than those that were seen: etcd came back from a backup. */
  | 'went-back';

export interface WatchSettings {
  /** Objects of a page of a list: of 5,000 pods, pages of 250 cost 30 MB more than those of 100. */
  pageSize: number;
  /**
   * The same of custom kinds, whose objects may be of 1.5 MB each. Larger: a page is more than the heap of 160 MB holds.
   * Smaller: to list 10,000 Workflows takes longer than the minutes that a list's moment is kept.
   */
  customPageSize: number;
  /**
   * Milliseconds without a line after which a connection counts as dead. Bookmarks come about once a minute, but none
   * for Events, which have no watch cache (https://github.com/kubernetes/kubernetes/issues/120348): in a quiet cluster
   * their watch is asked for anew that often, and listed anew each time etcd forgot the last version, after 5 minutes.
   */
  idleTimeout: number;
  /** Seconds after which the server is to close a watch: at random, so that clients spread over the servers. */
  watchSeconds: { least: number; most: number };
  /** Milliseconds, before jitter: the first pause; each next one doubles, up to the most. */
  backoff: { first: number; most: number };
  /** The most where the cluster has no such resource. */
  unknownResourceWait: number;
  /** Milliseconds that a watch must have lasted for its end to be the first trouble again. */
  goodStretch: number;
  /** Times that a line is asked for again that cannot be read: it may have been cut off. */
  readAgain: number;
}

const watchDefaults: WatchSettings = {
  pageSize: 100,
  customPageSize: 10,
  idleTimeout: 180_000,
  watchSeconds: { least: 300, most: 600 },
  backoff: { first: 500, most: 30_000 },
  unknownResourceWait: 300_000,
  goodStretch: 10_000,
  readAgain: 2,
};

export interface WatchOptions {
  /** The version to resume from; without one it begins with a list. */
  from?: string | undefined;
  signal: AbortSignal;
  settings?: Partial<WatchSettings>;
}

/**
 * Reads on only when asked for more: the API server is the buffer. Ends when the signal is aborted.
 */
export async function* watchResource(
  ports: WatchPorts,
  resource: WatchedResource,
  options: WatchOptions,
): AsyncGenerator<WatchSignal, void> {
  try {
    yield* followForEver(ports, resource, options);
  } catch (error) {
    if (!(error instanceof CannotBeWatched)) throw error;
    yield { type: 'unavailable', why: error.why };
  }
}

/** @throws CannotBeWatched */
async function* followForEver(
  { api, clock, random, report }: WatchPorts,
  resource: WatchedResource,
  { from, signal, settings: given }: WatchOptions,
): AsyncGenerator<WatchSignal, void> {
  const settings = { ...watchDefaults, ...given };
  const name = resourceName(resource);
  let now = Number.NaN;
  let written = '';
  /** Lines come by the dozen within a millisecond. */
  const receivedAt = () => {
    const before = now;
    now = clock.now();
    if (now !== before) written = new Date(now).toISOString();
    return written;
  };
  let version = from;
  let troubles = 0;
  let wasSilent = false;
  /** How often what comes after `version` could not be read. */
  let unreadable = 0;

  /** Says what happened and waits as long as that asks for. */
  const pause = async (trouble: Trouble) => {
    if (signal.aborted) return;
    if (resource.isCustom && trouble.kind === 'unknown-resource') throw new CannotBeWatched('unknown');
    if (resource.isCustom && trouble.kind === 'refused' && trouble.error.status === 403)
      throw new CannotBeWatched('forbidden');
    const wait = trouble.kind === 'none' ? 0 : waitFor(trouble, troubles++, settings, random);
    report(toRemark(name, trouble, wait));
    if (wait > 0) await clock.sleep(wait, signal);
  };

  while (!signal.aborted) {
    if (version === undefined) {
      const listed = yield* list();
      if (listed === undefined) return;
      version = listed;
    }
    const started = clock.elapsed();
    let trouble: Trouble | undefined;
    const before: string = version;
    try {
      if (wasSilent) await checkHistory(version);
      wasSilent = false;
      yield* watch(version);
    } catch (error) {
      trouble = classify(error);
    }
    const lasted = clock.elapsed() - started;
    if (lasted >= settings.goodStretch) {
      troubles = 0;
      wasSilent = version === before;
    }
    // A server that closes at once, for whatever reason, is not asked again at once.
    trouble ??= lasted < 1000 ? { kind: 'closed' } : { kind: 'none' };
    if (version !== before) unreadable = 0;
    if (trouble.kind === 'malformed') unreadable++;
    await pause(trouble);
    if (unreadable > settings.readAgain) {
      report({ type: 'unreadable-line', resource: name, after: version });
      unreadable = 0;
      version = undefined;
    }
    if (trouble.kind === 'expired' || trouble.kind === 'went-back') version = undefined;
  }

  /** The version of the list, or undefined when aborted. */
  async function* list(): AsyncGenerator<WatchSignal, string | undefined> {
    let objects = 0;
    const parts = listPages(api, resource, {
      pageSize: resource.isCustom ? settings.customPageSize : settings.pageSize,
      signal,
      async onTrouble(error) {
        await pause(classify(error));
        signal.throwIfAborted();
      },
    });
    try {
      for (;;) {
        const { done, value } = await parts.next();
        if (done) {
          report({ type: 'listed', resource: name, objects });
          yield { type: 'list-complete', resourceVersion: value, receivedAt: receivedAt() };
          return value;
        }
        if (value.type === 'start') {
          objects = 0;
          yield { type: 'list-start' };
        } else {
          objects++;
          yield { type: 'listed', object: value.object, receivedAt: receivedAt() };
        }
        if (signal.aborted) return undefined;
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /**
   * A watch from a version that is still to come says nothing until then. No watch tells that from quiet, so we ask
   * after each that told nothing. @throws WentBack
   */
  async function checkHistory(version: string): Promise<void> {
    const { metadata } = await api.call('GET', `${collectionPath(resource)}?limit=1`, { signal });
    const newest = (metadata as Json | undefined)?.resourceVersion;
    if (isResourceVersion(newest) && compareVersions(newest, version) < 0) throw new WentBack();
  }

  /** Until the server closes it. Moves `version` on with all that it tells. */
  async function* watch(start: string): AsyncGenerator<WatchSignal, void> {
    const { least, most } = settings.watchSeconds;
    const timeoutSeconds = Math.round(least + (most - least) * random());
    const query = `?watch=true&allowWatchBookmarks=true&resourceVersion=${start}&timeoutSeconds=${timeoutSeconds}`;
    const lines = api.lines(collectionPath(resource) + query, { signal, idleTimeout: settings.idleTimeout });
    for await (const line of lines) {
      const told = readLine(line);
      if (told.type === 'BOOKMARK') {
        // The server would keep everything up to our version from us, and say nothing.
        if (compareVersions(told.version, version!) < 0) throw new WentBack();
        version = told.version;
        yield { type: 'bookmark', resourceVersion: version };
      } else {
        version = told.version;
        yield { type: 'changed', how: told.type, object: told.object, receivedAt: receivedAt() };
      }
      if (signal.aborted) return;
    }
  }
}

class CannotBeWatched extends Error {
  readonly why: Unavailable;

  constructor(why: Unavailable) {
    super(why);
    this.why = why;
  }
}

class WentBack extends Error {}
class Malformed extends Error {}

interface WatchLine {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: Json;
  version: string;
}

/** @throws ApiError for an ERROR line; Malformed */
function readLine(line: string): WatchLine {
  let told: { type?: unknown; object?: Json | null } | null;
  try {
    told = JSON.parse(line);
  } catch {
    throw new Malformed('a line of the watch is no JSON');
  }
  const { type, object } = told ?? {};
  if (type === 'ERROR') {
    const status = object ?? {};
    throw toApiError(status, typeof status.code === 'number' ? status.code : 500);
  }
  const version = (object?.metadata as Json | undefined)?.resourceVersion;
  const known = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
  if (!known || !object || !isResourceVersion(version)) {
    throw new Malformed('a line of the watch is no change of an object with a resourceVersion');
  }
  return { type, object, version };
}

type Trouble =
  | { kind: 'none' }
  | { kind: Exclude<RestartReason, 'throttled' | 'server-error'>; error?: unknown }
  | { kind: 'throttled' | 'server-error' | 'refused' | 'unknown-resource'; error: ApiError };

function classify(error: unknown): Trouble {
  if (error instanceof Malformed) return { kind: 'malformed', error };
  if (error instanceof SilentConnection) return { kind: 'silent' };
  if (error instanceof WentBack) return { kind: 'went-back' };
  if (!(error instanceof ApiError)) return { kind: 'network', error };
  if (isHistoryGone(error)) return { kind: 'expired', error };
  switch (error.status) {
    case 401:
    case 403:
      return { kind: 'refused', error };
    case 404:
      return { kind: 'unknown-resource', error };
    case 429:
      return { kind: 'throttled', error };
    default:
      return { kind: 'server-error', error };
  }
}

/** Milliseconds: who asks for more (a timer of more than 24 days would be over at once) is asked again earlier. */
const mostAskedFor = 300_000;

/** Milliseconds: the pause, and up to as much again at random, so that nobody comes with all the others. */
function waitFor(
  trouble: Trouble,
  troublesBefore: number,
  { backoff, unknownResourceWait }: WatchSettings,
  random: () => number,
): number {
  // Neither is a failure of anybody's: it goes on at once, unless that happens again and again.
  if ((trouble.kind === 'expired' || trouble.kind === 'silent') && troublesBefore === 0) return 0;
  const most = trouble.kind === 'unknown-resource' ? unknownResourceWait : backoff.most;
  const pause = Math.min(backoff.first * 2 ** Math.min(troublesBefore, 20), most);
  const asked = 'error' in trouble && trouble.error instanceof ApiError ? trouble.error.retryAfterSeconds : 0;
  return Math.max(pause, Math.min((asked ?? 0) * 1000, mostAskedFor)) + pause * random();
}

function toRemark(resource: string, trouble: Trouble, wait: number): WatchRemark {
  switch (trouble.kind) {
    case 'none':
      return { type: 'restarted', resource, reason: 'closed', wait };
    case 'refused':
      return { type: 'refused', resource, status: trouble.error.status, wait, error: trouble.error };
    case 'unknown-resource':
      return { type: 'unknown-resource', resource, wait };
    default:
      return {
        type: 'restarted',
        resource,
        reason: trouble.kind,
        wait,
        ...('error' in trouble && { error: trouble.error }),
      };
  }
}
