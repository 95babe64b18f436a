/**
 * One of several replicas leads, by a Lease that it renews; the Lease also carries how far everything has been shipped,
 * so that whoever leads next goes on there. As client-go's leader election: clocks of two machines are never compared,
 * only how long this one has seen the Lease unchanged; every write names the version that it replaces, so that of two
 * that fight one fails. Other than client-go's, a holder that cannot renew stands still and does not end: what it has read
 * is read, and reading it again would keep whoever is overloaded from ever catching up.
 * https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
import { ApiError, type ApiServer, type Json } from './api-server.ts';
import { type Clock, untilAborted } from './clock.ts';
import { readDigestKey, withDigestKey } from './digest-key.ts';
import { type Handover, mostRemembered, readHandover } from './handover-annotations.ts';
import {
  heldByAnother,
  holderOf,
  type LeaseIdentity,
  newLease,
  type Observed,
  observeLease,
  releasedLease,
  renewedLease,
  takenLease,
} from './lease-object.ts';
import { newestVersions } from './resource-versions.ts';
import type { Checkpoint } from './watch-signal.ts';

export interface LeasePorts {
  api: ApiServer;
  clock: Clock;
  /** From 0 to below 1. */
  random(): number;
  /** Of the cluster's digests, where the Lease has none yet. */
  newDigestKey(): string;
  report(remark: LeaseRemark): void;
}

export type LeaseRemark =
  /** Another one leads. */
  | { type: 'following'; holder: string }
  | { type: 'leading'; checkpoint: Checkpoint | undefined }
  /** It could not be renewed in time: another one may lead, and nothing is shipped. */
  | { type: 'unsure' }
  /** It has been renewed after all. */
  | { type: 'sure' }
  /** Its work ends: another one leads, or somebody deleted the Lease. */
  | { type: 'lost' }
  | { type: 'released' }
  /** The annotation of the Lease is none of ours: as if there were none. */
  | { type: 'unreadable-checkpoint' }
  /** It is tried again. */
  | { type: 'trouble'; error: unknown };

export interface LeaseSettings extends LeaseIdentity {
  /** Milliseconds after the last renewal that was confirmed at which the holder stands still: less than `leaseDuration`. */
  renewDeadline: number;
  /** Milliseconds between renewals. */
  renewEvery: number;
  /** Milliseconds between looks of those who do not lead. */
  retryEvery: number;
  /** Milliseconds for one call: so short that a dead connection is no lost term. */
  callTimeout: number;
}

export const leaseDefaults = {
  leaseDuration: 10_000,
  renewDeadline: 8_000,
  renewEvery: 2_500,
  retryEvery: 2_000,
  callTimeout: 3_000,
} as const;

/** For as long as this process leads. */
export interface Term {
  /** What the term goes on from. */
  handover: Handover | undefined;
  /** What digests are made with: the same in each term, so that those of two terms can be compared. */
  digestKey: string;
  /** Aborted when the process is to stop (reason `stopping`: finish, save, return) or no longer leads (`lost`). */
  signal: AbortSignal;
  /**
   * Resolves while nobody else may lead; where the Lease could not be renewed in time, once it has been. To be asked before all that
   * others would do twice. @throws when the term is over, or the caller's signal is aborted
   */
  confirmed(signal: AbortSignal): Promise<void>;
  /** Kept for the next renewal; only versions that are newer than those saved before count. */
  save(handover: Handover): void;
}

/**
 * Waits for the Lease, runs, and waits again whenever it was lost; the next term begins when `run` has returned. At the
 * signal it lets `run` finish, writes the last checkpoint, gives the Lease up so that the next one leads at once, and
 * returns. So it does when `run` returns by itself.
 * @throws what `run` throws, after the Lease is given up
 */
export async function lead(
  ports: LeasePorts,
  settings: LeaseSettings,
  signal: AbortSignal,
  run: (term: Term) => Promise<void>,
): Promise<void> {
  let own: Handover | undefined;
  for (;;) {
    const held = await acquire(ports, settings, signal);
    if (held === undefined) return;
    const served = await serve(ports, settings, signal, { ...held, own }, run);
    if (served.ended === 'done') return;
    own = served.saved;
  }
}

/** A Lease of ours, and when (elapsed) we asked for what the API server has confirmed. */
interface HeldLease {
  lease: Json;
  confirmedAt: number;
}

/** One that does not lead, and looks now and then. */
interface Candidate {
  readonly ports: LeasePorts;
  readonly settings: LeaseSettings;
  readonly api: Calls;
  /** What the Lease said when we first saw it say so, and when that was. */
  observed: Observed | undefined;
  /** The holder that was told. */
  followed: string | undefined;
}

async function acquire(
  ports: LeasePorts,
  settings: LeaseSettings,
  signal: AbortSignal,
): Promise<HeldLease | undefined> {
  const { clock, random, report } = ports;
  const api = withTimeout(ports, settings.callTimeout);
  const candidate: Candidate = { ports, settings, api, observed: undefined, followed: undefined };
  while (!signal.aborted) {
    let wait = settings.retryEvery;
    try {
      const result = await tryToTake(candidate, signal);
      if (typeof result !== 'number') return result;
      wait = result;
    } catch (error) {
      if (signal.aborted) return undefined;
      // Another candidate was faster: no trouble, the next look tells who.
      if (!isConflict(error)) {
        report({ type: 'trouble', error });
        // So that its end is told.
        candidate.followed = undefined;
      }
    }
    await clock.sleep(wait * (1 + 0.1 * random()), signal);
  }
  return undefined;
}

/** The Lease where it is ours now, else milliseconds to the next look. */
async function tryToTake(candidate: Candidate, signal: AbortSignal): Promise<HeldLease | number> {
  const { ports, settings, api } = candidate;
  const { clock, newDigestKey, report } = ports;
  const path = collectionPath(settings);
  const confirmedAt = clock.elapsed();
  const found = await readLease(api, settings, signal);
  if (found === undefined) {
    const body = withDigestKey(newLease(settings, clock.now()), newDigestKey);
    const lease = await api.call('POST', path, { body, signal });
    return { lease, confirmedAt };
  }
  const observed = observeLease(candidate.observed, found, clock.elapsed());
  candidate.observed = observed;
  const { holder, left } = heldByAnother(found, observed, settings, clock.elapsed());
  if (holder !== undefined) {
    if (holder !== candidate.followed) report({ type: 'following', holder });
    candidate.followed = holder;
    if (left > 0) return Math.min(left, settings.retryEvery);
  }
  const body = withDigestKey(takenLease(found, settings, clock.now()), newDigestKey);
  const lease = await api.call('PUT', `${path}/${settings.name}`, { body, signal });
  return { lease, confirmedAt };
}

/** Milliseconds until a renewal that failed is tried again: two of them must fit before the deadline. */
const afterTrouble = 500;

/** A term under way. */
interface Holding {
  readonly ports: LeasePorts;
  readonly settings: LeaseSettings;
  readonly api: Calls;
  /** Tells the work to end. */
  readonly ending: AbortController;
  /** Ends renewing and what of it is under way. */
  readonly over: AbortController;
  lease: Json;
  confirmedAt: number;
  /** Resolves with the next renewal. */
  renewed: PromiseWithResolvers<void>;
  isLost: boolean;
  saved: Handover | undefined;
  /** The renewal under way: the release names the version that it makes. */
  writing: Promise<void>;
}

/** One term. `lost`: somebody else leads, or the Lease is gone. */
async function serve(
  ports: LeasePorts,
  settings: LeaseSettings,
  stop: AbortSignal,
  { lease, confirmedAt, own }: HeldLease & { own: Handover | undefined },
  run: (term: Term) => Promise<void>,
): Promise<{ ended: 'done' | 'lost'; saved: Handover | undefined }> {
  const holding: Holding = {
    ports,
    settings,
    api: withTimeout(ports, settings.callTimeout),
    ending: new AbortController(),
    over: new AbortController(),
    lease,
    confirmedAt,
    renewed: Promise.withResolvers(),
    isLost: false,
    saved: own,
    writing: Promise.resolve(),
  };
  const stopping = () => holding.ending.abort('stopping');
  if (stop.aborted) stopping();
  stop.addEventListener('abort', stopping, { once: true });
  const handover = joinHandovers(readLeft(lease, ports.report), own);
  ports.report({ type: 'leading', checkpoint: handover?.checkpoint });
  const keeping = [keepRenewing(holding), watchDeadline(holding)];
  try {
    await run({
      handover,
      digestKey: readDigestKey(lease) ?? ports.newDigestKey(),
      signal: holding.ending.signal,
      confirmed: (signal) => untilConfirmed(holding, signal),
      save({ checkpoint, lookingUp }) {
        holding.saved = { checkpoint: newestVersions(holding.saved?.checkpoint, checkpoint), lookingUp };
      },
    });
  } finally {
    stop.removeEventListener('abort', stopping);
    await holding.writing;
    holding.over.abort();
    await Promise.all(keeping);
    if (!holding.isLost) await release(holding);
  }
  return { ended: holding.isLost ? 'lost' : 'done', saved: holding.saved };
}

/** What the Lease holds when the term begins. */
function readLeft(lease: Json, report: LeasePorts['report']): Handover | undefined {
  const read = readHandover(lease);
  if (read.type === 'unreadable') report({ type: 'unreadable-checkpoint' });
  return read.type === 'handover' ? read.handover : undefined;
}

/**
 * What this process saved in a term that it lost is acknowledged, whoever led since: of it the Lease may have the state of a renewal
 * before, or of one that got no answer.
 */
function joinHandovers(left: Handover | undefined, own: Handover | undefined): Handover | undefined {
  if (left === undefined || own === undefined) return left ?? own;
  return {
    checkpoint: newestVersions(left.checkpoint, own.checkpoint),
    lookingUp: [...own.lookingUp, ...left.lookingUp].slice(0, mostRemembered),
  };
}

async function keepRenewing(holding: Holding): Promise<void> {
  const { settings, over } = holding;
  const { clock, random, report } = holding.ports;
  let wait = settings.renewEvery;
  while (!over.signal.aborted) {
    await clock.sleep(wait * (1 - 0.1 * random()), over.signal);
    if (over.signal.aborted) return;
    try {
      const written = writeLease(holding, renewedLease, over.signal);
      holding.writing = written.catch(() => {});
      await written;
      wait = settings.renewEvery;
    } catch (error) {
      if (over.signal.aborted) return;
      report({ type: 'trouble', error });
      wait = afterTrouble;
    }
  }
}

/** Milliseconds for which nobody else leads; none: somebody may. */
const leftOf = ({ confirmedAt, settings, ports }: Holding): number =>
  confirmedAt + settings.renewDeadline - ports.clock.elapsed();

/** @throws when the term is over, or the signal is aborted */
async function untilConfirmed(holding: Holding, signal: AbortSignal): Promise<void> {
  if (leftOf(holding) > 0) return;
  const ended = AbortSignal.any([holding.over.signal, signal]);
  while (leftOf(holding) <= 0) {
    ended.throwIfAborted();
    await Promise.race([holding.renewed.promise, untilAborted(ended)]);
  }
}

/** Tells it. Apart from the renewals: one that gets no answer is no reason to believe that we lead. */
async function watchDeadline(holding: Holding): Promise<void> {
  const { clock, report } = holding.ports;
  const { signal } = holding.over;
  while (!signal.aborted) {
    const left = leftOf(holding);
    if (left > 0) await clock.sleep(left, signal);
    else {
      report({ type: 'unsure' });
      await untilConfirmed(holding, signal).then(
        () => report({ type: 'sure' }),
        () => {},
      );
    }
  }
}

async function release(holding: Holding): Promise<void> {
  const { report } = holding.ports;
  await writeLease(holding, releasedLease, neverAborted).then(
    () => report({ type: 'released' }),
    (error: unknown) => report({ type: 'trouble', error }),
  );
}

/** Puts the Lease with the newest checkpoint; where somebody only touched it, once more on top of that. */
async function writeLease(holding: Holding, change: typeof renewedLease, signal: AbortSignal): Promise<void> {
  const { api, settings } = holding;
  const { clock } = holding.ports;
  for (;;) {
    const asked = clock.elapsed();
    try {
      const body = change(holding.lease, settings, clock.now(), holding.saved);
      holding.lease = await api.call('PUT', `${collectionPath(settings)}/${settings.name}`, { body, signal });
      holding.confirmedAt = asked;
      holding.renewed.resolve();
      holding.renewed = Promise.withResolvers();
      return;
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      const found = await readLease(api, settings, signal);
      if (found === undefined || holderOf(found) !== settings.identity) {
        lose(holding);
        throw error;
      }
      holding.lease = found;
    }
  }
}

function lose(holding: Holding): void {
  if (holding.isLost || holding.over.signal.aborted) return;
  holding.isLost = true;
  holding.ports.report({ type: 'lost' });
  holding.ending.abort('lost');
  holding.over.abort();
}

type Calls = Pick<ApiServer, 'call'>;

const withTimeout = ({ api, clock }: LeasePorts, milliseconds: number): Calls => ({
  async call(method, path, { body, signal } = {}) {
    const giveUp = new AbortController();
    const answered = new AbortController();
    const follow = () => giveUp.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener('abort', follow, { once: true });
    void clock.sleep(milliseconds, answered.signal).then(() => {
      if (!answered.signal.aborted) giveUp.abort(new Error(`no answer for ${milliseconds} ms`));
    });
    try {
      return await api.call(method, path, { ...(body && { body }), signal: giveUp.signal });
    } finally {
      answered.abort();
      signal?.removeEventListener('abort', follow);
    }
  },
});

/** The release has no more than the timeout of its calls. */
const neverAborted = new AbortController().signal;

const collectionPath = ({ namespace }: LeaseSettings) =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

async function readLease(
  api: Calls,
  settings: LeaseSettings,
  signal: AbortSignal,
): Promise<Json | undefined> {
  try {
    return await api.call('GET', `${collectionPath(settings)}/${settings.name}`, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const isConflict = (error: unknown) => error instanceof ApiError && error.status === 409;
const isNotFound = (error: unknown) => error instanceof ApiError && error.status === 404;
