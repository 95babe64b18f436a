/**
 * One of several replicas leads, by a Lease that it renews; the Lease also carries how far everything has been shipped,
 * so that whoever leads next goes on there. As client-go's leader election: clocks of two machines are never compared,
 * only how long this one has seen the Lease unchanged; every write names the version that it replaces, so that of two
 * that fight one fails.
 * https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
import { ApiError, type ApiServer, type Json } from './api-server.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint-annotation.ts';
import type { Clock } from './clock.ts';
import { readDigestKey, withDigestKey } from './digest-key.ts';
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
  /** Its work stops: another one leads, or may. */
  | { type: 'lost'; why: 'taken' | 'unsure' }
  | { type: 'released' }
  /** The annotation of the Lease is none of ours: as if there were none. */
  | { type: 'unreadable-checkpoint' }
  /** It is tried again. */
  | { type: 'trouble'; error: unknown };

export interface LeaseSettings {
  name: string;
  namespace: string;
  /** Of this process, and of no other at the same time. */
  identity: string;
  /** Milliseconds for which others hold still after the holder's last sign of life; whole seconds. */
  leaseDuration: number;
  /** Milliseconds after the last renewal that was confirmed at which the holder stops: less than `leaseDuration`. */
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
  /** What the Lease held when the term began. */
  checkpoint: Checkpoint | undefined;
  /** What digests are made with: the same in each term, so that those of two terms can be compared. */
  digestKey: string;
  /** Aborted when the process is to stop (reason `stopping`: finish, save, return) or no longer leads (`lost`). */
  signal: AbortSignal;
  /** Kept for the next renewal; only versions that are newer than those saved before count. */
  save(checkpoint: Checkpoint): void;
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
  for (;;) {
    const lease = await acquire(ports, settings, signal);
    if (lease === undefined) return;
    if ((await serve(ports, settings, signal, lease, run)) === 'done') return;
  }
}

/** A Lease of ours, and when (elapsed) we asked for what the API server has confirmed. */
interface HeldLease {
  lease: Json;
  confirmedAt: number;
}

async function acquire(
  ports: LeasePorts,
  settings: LeaseSettings,
  signal: AbortSignal,
): Promise<HeldLease | undefined> {
  const { clock, random, newDigestKey, report } = ports;
  const api = withTimeout(ports, settings.callTimeout);
  const path = collectionPath(settings);
  /** What the Lease said when we first saw it say so, and when that was. */
  let observed: { record: string; at: number } | undefined;
  let followed: string | undefined;

  /** The Lease where it is ours now, else milliseconds to the next look. */
  const look = async (): Promise<HeldLease | number> => {
    const asked = clock.elapsed();
    const found = await readLease(api, settings, signal);
    if (found === undefined) {
      const body = withDigestKey(newLease(settings, clock.now()), newDigestKey);
      const lease = await api.call('POST', path, { body, signal });
      return { lease, confirmedAt: asked };
    }
    const spec = specOf(found);
    const record = JSON.stringify(spec);
    if (observed?.record !== record) observed = { record, at: clock.elapsed() };
    const holder = spec.holderIdentity ?? '';
    if (holder !== '' && holder !== settings.identity) {
      if (holder !== followed) report({ type: 'following', holder });
      followed = holder;
      // As long as the holder said, whatever we would have.
      const duration = (spec.leaseDurationSeconds ?? settings.leaseDuration / 1000) * 1000;
      const left = observed.at + duration - clock.elapsed();
      if (left > 0) return Math.min(left, settings.retryEvery);
    }
    const lease = await api.call('PUT', `${path}/${settings.name}`, {
      body: withDigestKey(takenLease(found, settings, clock.now()), newDigestKey),
      signal,
    });
    return { lease, confirmedAt: asked };
  };

  while (!signal.aborted) {
    let wait = settings.retryEvery;
    try {
      const result = await look();
      if (typeof result !== 'number') return result;
      wait = result;
    } catch (error) {
      if (signal.aborted) return undefined;
      // Another candidate was faster: no trouble, the next look tells who.
      if (!isConflict(error)) {
        report({ type: 'trouble', error });
        // So that its end is told.
        followed = undefined;
      }
    }
    await clock.sleep(wait * (1 + 0.1 * random()), signal);
  }
  return undefined;
}

/** Milliseconds until a renewal that failed is tried again: two of them must fit before the deadline. */
const afterTrouble = 500;

/** One term. `lost`: somebody else leads, or may. */
async function serve(
  ports: LeasePorts,
  settings: LeaseSettings,
  stop: AbortSignal,
  { lease: first, confirmedAt: firstConfirmed }: HeldLease,
  run: (term: Term) => Promise<void>,
): Promise<'done' | 'lost'> {
  const { clock, random, newDigestKey, report } = ports;
  const api = withTimeout(ports, settings.callTimeout);
  const path = `${collectionPath(settings)}/${settings.name}`;
  const ending = new AbortController();
  /** Ends renewing and what of it is under way. */
  const over = new AbortController();
  let lease = first;
  let confirmedAt = firstConfirmed;
  let lost: 'taken' | 'unsure' | undefined;
  let saved: Checkpoint | undefined;

  const lose = (why: 'taken' | 'unsure') => {
    if (lost !== undefined || over.signal.aborted) return;
    lost = why;
    report({ type: 'lost', why });
    ending.abort('lost');
    over.abort();
  };

  /** Puts the Lease with the newest checkpoint; where somebody only touched it, once more on top of that. */
  const write = async (change: (lease: Json) => Json, signal: AbortSignal): Promise<void> => {
    for (;;) {
      const asked = clock.elapsed();
      try {
        lease = await api.call('PUT', path, { body: change(lease), signal });
        confirmedAt = asked;
        return;
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        const found = await readLease(api, settings, signal);
        if (found === undefined || specOf(found).holderIdentity !== settings.identity) {
          lose('taken');
          throw error;
        }
        lease = found;
      }
    }
  };
  const renewed = (lease: Json) => renewedLease(lease, settings, clock.now(), saved);

  /** The renewal under way: the release names the version that it makes. */
  let writing: Promise<void> = Promise.resolve();

  const renew = async () => {
    let wait = settings.renewEvery;
    while (!over.signal.aborted) {
      await clock.sleep(wait * (1 - 0.1 * random()), over.signal);
      if (over.signal.aborted) return;
      try {
        const written = write(renewed, over.signal);
        writing = written.catch(() => {});
        await written;
        wait = settings.renewEvery;
      } catch (error) {
        if (over.signal.aborted) return;
        report({ type: 'trouble', error });
        wait = afterTrouble;
      }
    }
  };

  /** Apart from the renewals: one that gets no answer must not keep us from stopping. */
  const watchDeadline = async () => {
    while (!over.signal.aborted) {
      const left = confirmedAt + settings.renewDeadline - clock.elapsed();
      if (left <= 0) return lose('unsure');
      await clock.sleep(left, over.signal);
    }
  };

  const stopping = () => ending.abort('stopping');
  if (stop.aborted) stopping();
  stop.addEventListener('abort', stopping, { once: true });
  const read = readCheckpoint(first);
  if (read.type === 'unreadable') report({ type: 'unreadable-checkpoint' });
  const checkpoint = read.type === 'checkpoint' ? read.checkpoint : undefined;
  report({ type: 'leading', checkpoint });
  const keeping = [renew(), watchDeadline()];
  try {
    await run({
      checkpoint,
      digestKey: readDigestKey(first) ?? newDigestKey(),
      signal: ending.signal,
      save(checkpoint) {
        saved = newestVersions(saved, checkpoint);
      },
    });
  } finally {
    stop.removeEventListener('abort', stopping);
    await writing;
    over.abort();
    await Promise.all(keeping);
    if (lost === undefined) {
      const released = (lease: Json) => releasedLease(lease, settings, clock.now(), saved);
      await write(released, neverAborted).then(
        () => report({ type: 'released' }),
        (error: unknown) => report({ type: 'trouble', error }),
      );
    }
  }
  return lost === undefined ? 'done' : 'lost';
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

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

const collectionPath = ({ namespace }: LeaseSettings) =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

const specOf = (lease: Json) => (lease.spec ?? {}) as LeaseSpec;

/** Kubernetes' MicroTime. */
const microTime = (now: number) => new Date(now).toISOString().replace('Z', '000Z');

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

const newLease = ({ name, namespace, identity, leaseDuration }: LeaseSettings, now: number): Json => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
  spec: {
    holderIdentity: identity,
    leaseDurationSeconds: leaseDuration / 1000,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: 0,
  } satisfies LeaseSpec,
});

function takenLease(lease: Json, { identity, leaseDuration }: LeaseSettings, now: number): Json {
  const { holderIdentity, leaseTransitions, acquireTime } = specOf(lease);
  const ours = holderIdentity === identity;
  const spec: LeaseSpec = {
    holderIdentity: identity,
    leaseDurationSeconds: leaseDuration / 1000,
    acquireTime: ours && acquireTime !== undefined ? acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (leaseTransitions ?? 0) + (ours ? 0 : 1),
  };
  return { ...lease, spec };
}

const renewedLease = (
  lease: Json,
  { leaseDuration }: LeaseSettings,
  now: number,
  saved: Checkpoint | undefined,
): Json => ({
  ...writeCheckpoint(lease, saved),
  spec: { ...specOf(lease), leaseDurationSeconds: leaseDuration / 1000, renewTime: microTime(now) },
});

/** Held by nobody. The duration of a second is client-go's: a Lease must have one. */
const releasedLease = (
  lease: Json,
  settings: LeaseSettings,
  now: number,
  saved: Checkpoint | undefined,
): Json => {
  const renewed = renewedLease(lease, settings, now, saved);
  return { ...renewed, spec: { ...specOf(renewed), holderIdentity: '', leaseDurationSeconds: 1 } };
};
