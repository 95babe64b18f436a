/** What ends a watch, what is said of it, and how long nobody asks again. */
import { ApiError, SilentConnection } from './api-server.ts';
import { isHistoryGone } from './list-pages.ts';

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

export interface TroubleSettings {
  /** Milliseconds, before jitter: the first pause; each next one doubles, up to the most. */
  backoff: { first: number; most: number };
  /** The most where the cluster has no such resource. */
  unknownResourceWait: number;
  /** Milliseconds that a watch must have lasted for its end to be the first trouble again. */
  goodStretch: number;
}

export class WentBack extends Error {}
export class Malformed extends Error {}

export type Trouble =
  | { kind: 'none' }
  | { kind: Exclude<RestartReason, 'throttled' | 'server-error'>; error?: unknown }
  | { kind: 'throttled' | 'server-error' | 'refused' | 'unknown-resource'; error: ApiError };

/** How a resource's watches went so far. */
export interface WatchCourse {
  /** Since the last one that lasted. */
  readonly troubles: number;
  /** The last one that lasted told nothing, and nobody has asked since whether its version is still to come. */
  readonly wasSilent: boolean;
  /** How often what comes after the last version could not be read. */
  readonly unreadable: number;
}

export const smoothCourse: WatchCourse = { troubles: 0, wasSilent: false, unreadable: 0 };

/** How one watch ended: `lasted` in milliseconds; `hasMoved`: it told a version; `failure`: undefined where the server closed it. */
export interface WatchEnd {
  lasted: number;
  hasMoved: boolean;
  failure: Trouble | undefined;
}

export function judgeEnd(
  before: WatchCourse,
  { lasted, hasMoved, failure }: WatchEnd,
  { goodStretch }: Pick<TroubleSettings, 'goodStretch'>,
): { course: WatchCourse; trouble: Trouble } {
  // A server that closes at once, for whatever reason, is not asked again at once.
  const trouble: Trouble = failure ?? (lasted < 1000 ? { kind: 'closed' } : { kind: 'none' });
  const isGood = lasted >= goodStretch;
  const unreadable = (hasMoved ? 0 : before.unreadable) + (trouble.kind === 'malformed' ? 1 : 0);
  const troubles = isGood ? 0 : before.troubles;
  return { trouble, course: { troubles, unreadable, wasSilent: isGood ? !hasMoved : before.wasSilent } };
}

export function classify(error: unknown): Trouble {
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
export function waitFor(
  trouble: Trouble,
  troublesBefore: number,
  { backoff, unknownResourceWait }: Pick<TroubleSettings, 'backoff' | 'unknownResourceWait'>,
  random: () => number,
): number {
  // Neither is a failure of anybody's: it goes on at once, unless that happens again and again.
  if ((trouble.kind === 'expired' || trouble.kind === 'silent') && troublesBefore === 0) return 0;
  const most = trouble.kind === 'unknown-resource' ? unknownResourceWait : backoff.most;
  const pause = Math.min(backoff.first * 2 ** Math.min(troublesBefore, 20), most);
  const asked = 'error' in trouble && trouble.error instanceof ApiError ? trouble.error.retryAfterSeconds : 0;
  return Math.max(pause, Math.min((asked ?? 0) * 1000, mostAskedFor)) + pause * random();
}

export function toRemark(resource: string, trouble: Trouble, wait: number): WatchRemark {
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
