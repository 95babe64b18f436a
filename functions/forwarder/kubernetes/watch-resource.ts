/**
 * Follows one resource for ever: a list, then a watch from the list's version, which is resumed from the last version
 * seen whenever it ends. What goes wrong is a pause, never an end: only the signal ends it, and a custom kind's being forbidden
 * or gone.
 */
import type { ApiServer, Json } from './api-server.ts';
import type { Clock } from './clock.ts';
import { listPages } from './list-pages.ts';
import { toApiError } from './read-status.ts';
import { compareVersions, isResourceVersion } from './resource-versions.ts';
import type { Unavailable, WatchSignal } from './watch-signal.ts';
import {
  classify,
  judgeEnd,
  Malformed,
  smoothCourse,
  type Trouble,
  type TroubleSettings,
  toRemark,
  type WatchCourse,
  type WatchRemark,
  WentBack,
  waitFor,
} from './watch-troubles.ts';
import { collectionPath, resourceName, type WatchedResource } from './watched-resources.ts';

export interface WatchPorts {
  api: ApiServer;
  clock: Clock;
  /** From 0 to below 1. */
  random(): number;
  report(remark: WatchRemark): void;
}

export interface WatchSettings extends TroubleSettings {
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

/** One resource, for as long as it is followed. */
interface Watching extends WatchPorts {
  readonly resource: WatchedResource;
  readonly name: string;
  readonly settings: WatchSettings;
  readonly signal: AbortSignal;
  /** The last that was seen; undefined: a list comes next. */
  version: string | undefined;
  course: WatchCourse;
  receivedAt(): string;
}

/** @throws CannotBeWatched */
async function* followForEver(
  ports: WatchPorts,
  resource: WatchedResource,
  { from, signal, settings: given }: WatchOptions,
): AsyncGenerator<WatchSignal, void> {
  const { clock } = ports;
  const watching: Watching = {
    ...ports,
    resource,
    name: resourceName(resource),
    settings: { ...watchDefaults, ...given },
    signal,
    version: from,
    course: smoothCourse,
    receivedAt: createArrivals(clock),
  };
  while (!signal.aborted) {
    watching.version ??= yield* listObjects(watching);
    if (watching.version === undefined) return;
    const start: string = watching.version;
    const startedAt = clock.elapsed();
    let failure: Trouble | undefined;
    try {
      if (watching.course.wasSilent) await checkHistory(watching, start);
      watching.course = { ...watching.course, wasSilent: false };
      yield* readWatch(watching, start);
    } catch (error) {
      failure = classify(error);
    }
    const lasted = clock.elapsed() - startedAt;
    const end = { lasted, hasMoved: watching.version !== start, failure };
    const { course, trouble } = judgeEnd(watching.course, end, watching.settings);
    watching.course = course;
    await pauseAfter(watching, trouble);
    restartWhereLost(watching, trouble);
  }
}

/** Lines come by the dozen within a millisecond. */
function createArrivals(clock: Clock): () => string {
  let now = Number.NaN;
  let written = '';
  return () => {
    const before = now;
    now = clock.now();
    if (now !== before) written = new Date(now).toISOString();
    return written;
  };
}

/** Says what happened and waits as long as that asks for. @throws CannotBeWatched */
async function pauseAfter(watching: Watching, trouble: Trouble): Promise<void> {
  const { resource, settings, course, signal, clock, random, report } = watching;
  if (signal.aborted) return;
  if (resource.isCustom && trouble.kind === 'unknown-resource') throw new CannotBeWatched('unknown');
  if (resource.isCustom && trouble.kind === 'refused' && trouble.error.status === 403)
    throw new CannotBeWatched('forbidden');
  let wait = 0;
  if (trouble.kind !== 'none') {
    wait = waitFor(trouble, course.troubles, settings, random);
    watching.course = { ...course, troubles: course.troubles + 1 };
  }
  report(toRemark(watching.name, trouble, wait));
  if (wait > 0) await clock.sleep(wait, signal);
}

/** A list comes next where the version leads nowhere. */
function restartWhereLost(watching: Watching, trouble: Trouble): void {
  const { name, settings, course, version, report } = watching;
  const isUnreadable = version !== undefined && course.unreadable > settings.readAgain;
  if (isUnreadable) {
    report({ type: 'unreadable-line', resource: name, after: version });
    watching.course = { ...course, unreadable: 0 };
  }
  if (isUnreadable || trouble.kind === 'expired' || trouble.kind === 'went-back')
    watching.version = undefined;
}

/** The version of the list, or undefined when aborted. */
async function* listObjects(watching: Watching): AsyncGenerator<WatchSignal, string | undefined> {
  const { api, resource, settings, signal } = watching;
  let objects = 0;
  const parts = listPages(api, resource, {
    pageSize: resource.isCustom ? settings.customPageSize : settings.pageSize,
    signal,
    async onTrouble(error) {
      await pauseAfter(watching, classify(error));
      signal.throwIfAborted();
    },
  });
  try {
    for (;;) {
      const { done, value } = await parts.next();
      if (done) {
        watching.report({ type: 'listed', resource: watching.name, objects });
        yield { type: 'list-complete', resourceVersion: value, receivedAt: watching.receivedAt() };
        return value;
      }
      if (value.type === 'start') {
        objects = 0;
        yield { type: 'list-start' };
      } else {
        objects++;
        yield { type: 'listed', object: value.object, receivedAt: watching.receivedAt() };
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
async function checkHistory({ api, resource, signal }: Watching, version: string): Promise<void> {
  const { metadata } = await api.call('GET', `${collectionPath(resource)}?limit=1`, { signal });
  const newest = (metadata as Json | undefined)?.resourceVersion;
  if (isResourceVersion(newest) && compareVersions(newest, version) < 0) throw new WentBack();
}

/** Until the server closes it. Moves the version on with all that it tells. */
async function* readWatch(watching: Watching, start: string): AsyncGenerator<WatchSignal, void> {
  const { api, resource, settings, signal, random } = watching;
  const { least, most } = settings.watchSeconds;
  const timeoutSeconds = Math.round(least + (most - least) * random());
  const query = `?watch=true&allowWatchBookmarks=true&resourceVersion=${start}&timeoutSeconds=${timeoutSeconds}`;
  const lines = api.lines(collectionPath(resource) + query, { signal, idleTimeout: settings.idleTimeout });
  let version = start;
  for await (const line of lines) {
    const told = readLine(line);
    // The server would keep everything up to our version from us, and say nothing.
    if (told.type === 'BOOKMARK' && compareVersions(told.version, version) < 0) throw new WentBack();
    version = told.version;
    watching.version = version;
    if (told.type === 'BOOKMARK') yield { type: 'bookmark', resourceVersion: version };
    else yield { type: 'changed', how: told.type, object: told.object, receivedAt: watching.receivedAt() };
    if (signal.aborted) return;
  }
}

class CannotBeWatched extends Error {
  readonly why: Unavailable;

  constructor(why: Unavailable) {
    super(why);
    this.why = why;
  }
}

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
