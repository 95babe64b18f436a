/**
 * With an Event goes what it is about: its subject and that one's owners, where they were not shipped lately. Watched
 * objects are known; others, and those whose kind is still being listed, are looked up, once: the Event does not wait for
 * them.
 */
import type { ObjectReference, ObjectSnapshot } from '../../shared/observation.ts';
import { neverShipped } from '../../shared/snapshot-fields.ts';
import type { Json } from './kubernetes/api-server.ts';
import type { Clock } from './kubernetes/clock.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import { compareVersions } from './kubernetes/resource-versions.ts';
import { observeObject } from './observe.ts';
import type { SpecReader } from './read-spec.ts';
import type { DeliveryRemark } from './remarks.ts';
import { fieldsOf, type Known, type SnapshotCache } from './snapshot-cache.ts';
import type { Step } from './track-positions.ts';

export interface SubjectPorts {
  cache: SnapshotCache;
  clock: Clock;
  lookUp: LookUp;
  specs: SpecReader;
  isWatched(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): boolean;
  /** Somebody speaks of an object that is not watched: perhaps its kind was installed a moment ago. */
  onUnwatched(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): void;
  redact(snapshot: ObjectSnapshot): ObjectSnapshot;
  /** Resolves once the snapshot is on its way; holds the step until it is stored. */
  ship(known: Known, step: Step): Promise<void>;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

export interface SubjectSettings {
  /** Milliseconds after which a snapshot goes again with an Event: half of what the store keeps it. */
  shipAgainAfter: number;
  /** Milliseconds for which a look-up holds the checkpoint, and is tried. */
  lookUpTime: number;
  concurrency: number;
  /** Look-ups that wait; beyond that the next Event of the object tries again. */
  mostWaiting: number;
  /** Milliseconds before the same object is looked up again, where its Event speaks of a newer version, or it was not found. */
  lookUpAgainAfter: number;
}

export const defaultSubjectSettings: SubjectSettings = {
  shipAgainAfter: 12 * 3_600_000,
  lookUpTime: 30_000,
  concurrency: 4,
  mostWaiting: 1_000,
  lookUpAgainAfter: 60_000,
};

/** Owners of owners: Pod, ReplicaSet, Deployment, and what operators put above. A cycle ends here as well. */
const longestChain = 10;
const rememberedLookUps = 10_000;

export interface SubjectShipper {
  /** Resolves once what is known is on its way, owners first; look-ups go on and hold the step. */
  shipWith(subject: ObjectReference, step: Step): Promise<void>;
  /** The same for an object that is known. */
  shipChain(known: Known, step: Step): Promise<void>;
  /** Once no look-up is under way. */
  settled(): Promise<void>;
}

/** A look-up under way, and the steps that it holds. */
interface Job {
  reference: ObjectReference;
  steps: Set<Step>;
  /** Its time is over: it holds nothing more. */
  late: boolean;
}

export function createSubjectShipper(
  { cache, clock, lookUp, specs, isWatched, onUnwatched, redact, ship, report, signal }: SubjectPorts,
  settings: SubjectSettings = defaultSubjectSettings,
): SubjectShipper {
  const jobs = new Map<string, Job>();
  const running = new Set<Promise<void>>();
  const waiting: Job[] = [];
  /** When each was last looked up, the longest ago first. */
  const lookedUpAt = new Map<string, number>();
  let active = 0;

  const isStale = (known: Known) => clock.now() - known.shippedAt > settings.shipAgainAfter;

  const shipWith = async (subject: ObjectReference, step: Step) => {
    const known = cache.find(subject);
    if (needsLookUp(subject, known)) startLookUp(subject, step);
    if (known !== undefined) await shipChain(known, step);
  };

  /** Owners first. */
  const shipChain = async (bottom: Known, step: Step) => {
    const chain: Known[] = [];
    let known: Known | undefined = bottom;
    while (known !== undefined && chain.length < longestChain) {
      chain.push(known);
      const owner: Known | undefined = known.ownerUid === undefined ? undefined : cache.byUid(known.ownerUid);
      // Of a watched one no more is asked: most Events end here without a look into the snapshot.
      if (owner?.resource === undefined) {
        const reference = ownerOf(known);
        if (reference !== undefined && needsLookUp(reference, owner)) startLookUp(reference, step);
      }
      known = owner;
    }
    for (const link of chain.reverse()) if (isStale(link)) await ship(link, step);
  };

  const ownerOf = (known: Known): ObjectReference | undefined => {
    if (known.ownerUid === undefined) return undefined;
    const { owner, namespace } = fieldsOf(known);
    return owner && { ...owner, ...(namespace !== undefined && { namespace }) };
  };

  const needsLookUp = (reference: ObjectReference, known: Known | undefined): boolean => {
    if (isWatched(reference) || neverShipped.has(reference.kind)) return false;
    onUnwatched(reference);
    const key = keyOf(reference);
    if (known?.deleted || jobs.has(key)) return known === undefined;
    const at = lookedUpAt.get(key);
    if (at !== undefined && clock.now() - at < settings.lookUpAgainAfter) return false;
    if (known === undefined || isStale(known)) return true;
    const { resourceVersion } = reference;
    return (
      resourceVersion !== undefined &&
      known.version !== undefined &&
      compareVersions(resourceVersion, known.version) > 0
    );
  };

  const startLookUp = (reference: ObjectReference, step: Step) => {
    const key = keyOf(reference);
    let job = jobs.get(key);
    if (job === undefined) {
      if (waiting.length >= settings.mostWaiting) return report({ type: 'looked-up', result: 'skipped' });
      job = { reference, steps: new Set(), late: false };
      jobs.set(key, job);
      waiting.push(job);
      const work = runJob(key, job).finally(() => running.delete(work));
      running.add(work);
    }
    if (job.late || job.steps.has(step)) return;
    step.hold();
    job.steps.add(step);
  };

  const runJob = async (key: string, job: Job) => {
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, signal]);
    const release = () => {
      // Who stops in the middle of it leaves it to the next one.
      if (signal.aborted) return;
      job.late = true;
      for (const step of job.steps) step.release();
      job.steps.clear();
    };
    void clock.sleep(settings.lookUpTime, either).then(release);
    try {
      await turn(job);
      // Its turn came too late: the next Event of the object tries again.
      if (job.late) return report({ type: 'looked-up', result: 'skipped' });
      const found = await ask(job, either);
      remember(key);
      if (found !== undefined) await take(found, job);
    } finally {
      jobs.delete(key);
      active--;
      wakeNext();
      over.abort();
      release();
    }
  };

  const queue: (() => void)[] = [];
  const turn = async (job: Job) => {
    while (active >= settings.concurrency) await new Promise<void>((resolve) => queue.push(resolve));
    active++;
    waiting.splice(waiting.indexOf(job), 1);
  };
  const wakeNext = () => queue.shift()?.();

  /** Tries until its time is over. */
  const ask = async (job: Job, until: AbortSignal): Promise<ObjectSnapshot | undefined> => {
    for (let wait = 250; !job.late && !until.aborted; wait *= 2) {
      const answer = await lookUp(job.reference, until);
      // Whoever gave up knows.
      if (until.aborted) return undefined;
      report({ type: 'looked-up', result: answer.type });
      if (answer.type === 'found') return read(answer.object, job.reference);
      if (answer.type !== 'over-the-limit' && answer.type !== 'unavailable') return undefined;
      await clock.sleep(wait, until);
    }
    return undefined;
  };

  const read = (object: Json, { uid, kind }: ObjectReference): ObjectSnapshot | undefined => {
    const observed = observeObject(object, new Date(clock.now()).toISOString(), false, specs);
    if (!observed.ok) {
      const { name = '' } = (object.metadata ?? {}) as { name?: string };
      report({ type: 'snapshot-dropped', reason: 'unreadable', about: { kind, name }, why: observed.reason });
      return undefined;
    }
    // Another one has taken over the name: ours is gone.
    if (uid !== undefined && observed.value.object.uid !== uid) return undefined;
    return redact({ ...observed.value, from: 'look-up' });
  };

  const take = async (snapshot: ObjectSnapshot, job: Job) => {
    const { known, news } = cache.see(snapshot, { type: 'looked-up' });
    const step = joined(job);
    // Its owners first, as always.
    const owner = ownerOf(known);
    if (owner !== undefined) await shipWith(owner, step);
    if (news || isStale(known)) await ship(known, step);
  };

  /** What a job ships and looks up for its object holds what the job itself holds. */
  const joined = (job: Job): Step => {
    const steps = [...job.steps];
    return {
      hold: () => {
        for (const step of steps) step.hold();
      },
      release: () => {
        for (const step of steps) step.release();
      },
    };
  };

  const remember = (key: string) => {
    lookedUpAt.delete(key);
    lookedUpAt.set(key, clock.now());
    if (lookedUpAt.size > rememberedLookUps) lookedUpAt.delete(lookedUpAt.keys().next().value!);
  };

  return {
    shipWith,
    shipChain,
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

const keyOf = ({ uid, kind, namespace, name }: ObjectReference): string =>
  uid ?? `${kind}/${namespace ?? ''}/${name}`;
