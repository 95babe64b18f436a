/**
 * Look-ups that Events asked for: a few at a time, each tried until its time is over, and one an object, however many Events
 * speak of it. Until what it found is stored, a look-up is remembered beside the checkpoint, which moves on past those Events: whoever leads
 * next looks up again what was not. Where there are too many to be remembered, a look-up holds the steps of its Events.
 */
import type { ObjectReference } from '../../shared/observation.ts';
import type { Json } from './kubernetes/api-server.ts';
import type { Clock } from './kubernetes/clock.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import type { DeliveryRemark } from './remarks.ts';
import type { Step } from './track-positions.ts';

export interface LookUpPorts {
  clock: Clock;
  lookUp: LookUp;
  /** Resolves once what follows from it is on its way; what holds `step` keeps the look-up from being over. */
  onFound(object: Json, reference: ObjectReference, step: Step): Promise<void>;
  /** One that was remembered is over. */
  onOver(): void;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

export interface LookUpSettings {
  /** Milliseconds for which a look-up is tried. */
  lookUpTime: number;
  concurrency: number;
  /** Look-ups that wait; beyond that the next Event of the object tries again. */
  mostWaiting: number;
  /** Look-ups that are remembered beside the checkpoint. */
  mostRemembered: number;
}

/** All that there is of look-ups in a term. */
export interface LookUpQueue {
  readonly ports: LookUpPorts;
  readonly settings: LookUpSettings;
  /** Asked for and not ended, by object. */
  readonly jobs: Map<string, Job>;
  /** Those of which the checkpoint need not wait, until what they found is stored. */
  readonly remembered: Set<Job>;
  readonly running: Set<Promise<void>>;
  readonly slots: Slots;
  /** When each was last looked up, the longest ago first. */
  readonly lastAsked: Map<string, number>;
}

/** A look-up, and the steps that it holds where it is not remembered. */
interface Job {
  readonly key: string;
  readonly reference: ObjectReference;
  readonly steps: Set<Step>;
  /** Itself, and what it found that is not stored yet. */
  holds: number;
  /** It is answered: until what it found is stored, it holds on. */
  isFound: boolean;
  /** Its time is over: it holds no step more. */
  late: boolean;
}

/** Larger: memory. Smaller: objects that Events go on speaking of are asked for more often than the settings say. */
const mostAsked = 10_000;

/** Milliseconds before an API server that is too busy, or away, is asked again; doubled each time. */
const firstPause = 250;

export function createLookUpQueue(ports: LookUpPorts, settings: LookUpSettings): LookUpQueue {
  return {
    ports,
    settings,
    jobs: new Map(),
    remembered: new Set(),
    running: new Set(),
    slots: createSlots(settings.concurrency),
    lastAsked: new Map(),
  };
}

/** The look-up is remembered, or holds the step, until it is over. Where too many wait there is none. */
export function startLookUp(queue: LookUpQueue, reference: ObjectReference, step: Step): void {
  const key = lookUpKey(reference);
  let job = queue.jobs.get(key);
  if (job === undefined) {
    if (queue.slots.waiting() >= queue.settings.mostWaiting) {
      queue.ports.report({ type: 'looked-up', result: 'skipped' });
      return;
    }
    job = { key, reference, steps: new Set(), holds: 1, isFound: false, late: false };
    queue.jobs.set(key, job);
    if (queue.remembered.size < queue.settings.mostRemembered) queue.remembered.add(job);
    const work = runJob(queue, job).finally(() => queue.running.delete(work));
    queue.running.add(work);
  }
  if (job.late || job.steps.has(step) || queue.remembered.has(job)) return;
  step.hold();
  job.steps.add(step);
}

/** What is looked up and not stored, of those that are remembered. */
export const rememberedLookUps = ({ remembered }: LookUpQueue): ObjectReference[] =>
  [...remembered].map(({ reference }) => reference);

/** Once no look-up is under way. */
export async function lookUpsSettled({ running }: LookUpQueue): Promise<void> {
  while (running.size > 0) await Promise.all(running);
}

export const lookUpKey = ({ uid, kind, namespace, name }: ObjectReference): string =>
  uid ?? `${kind}/${namespace ?? ''}/${name}`;

async function runJob(queue: LookUpQueue, job: Job): Promise<void> {
  const { ports, settings, slots } = queue;
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, ports.signal]);
  void ports.clock.sleep(settings.lookUpTime, until).then(() => {
    if (!ports.signal.aborted && !job.isFound) releaseSteps(job);
  });
  try {
    await slots.take();
    // Its turn came too late: the next Event of the object tries again.
    if (job.late) return ports.report({ type: 'looked-up', result: 'skipped' });
    const object = await askUntilAnswered(ports, job, until);
    rememberAsked(queue, job.key);
    job.isFound = object !== undefined;
    if (object !== undefined) await ports.onFound(object, job.reference, stepOf(queue, job));
  } finally {
    queue.jobs.delete(job.key);
    slots.release();
    over.abort();
    endHold(queue, job);
  }
}

async function askUntilAnswered(
  { lookUp, report, clock }: LookUpPorts,
  job: Job,
  until: AbortSignal,
): Promise<Json | undefined> {
  for (let wait = firstPause; !job.late && !until.aborted; wait *= 2) {
    const answer = await lookUp(job.reference, until);
    // Whoever gave up knows.
    if (until.aborted) return undefined;
    report({ type: 'looked-up', result: answer.type });
    if (answer.type === 'found') return answer.object;
    if (answer.type !== 'over-the-limit' && answer.type !== 'unavailable') return undefined;
    await clock.sleep(wait, until);
  }
  return undefined;
}

function releaseSteps(job: Job): void {
  job.late = true;
  for (const step of job.steps) step.release();
  job.steps.clear();
}

/** What a job ships for its object, and looks up, keeps it from being over. */
const stepOf = (queue: LookUpQueue, job: Job): Step => ({
  hold() {
    job.holds++;
  },
  release: () => endHold(queue, job),
});

function endHold(queue: LookUpQueue, job: Job): void {
  job.holds--;
  // Who stops in the middle of it leaves it to the next one.
  if (job.holds > 0 || queue.ports.signal.aborted) return;
  releaseSteps(job);
  if (queue.remembered.delete(job)) queue.ports.onOver();
}

function rememberAsked({ lastAsked, ports }: LookUpQueue, key: string): void {
  lastAsked.delete(key);
  lastAsked.set(key, ports.clock.now());
  if (lastAsked.size > mostAsked) lastAsked.delete(lastAsked.keys().next().value!);
}

/** So many at a time, the others in turn. */
interface Slots {
  take(): Promise<void>;
  release(): void;
  /** Those that took none yet. */
  waiting(): number;
}

function createSlots(concurrency: number): Slots {
  const queue: (() => void)[] = [];
  let active = 0;
  let waiting = 0;
  return {
    async take() {
      waiting++;
      while (active >= concurrency) await new Promise<void>((resolve) => queue.push(resolve));
      waiting--;
      active++;
    },
    release() {
      active--;
      queue.shift()?.();
    },
    waiting: () => waiting,
  };
}
