/**
 * Look-ups that Events asked for: a few at a time, each tried until its time is over, and one an object, however many Events
 * speak of it. Until then a look-up holds the steps of those Events, and what it found holds them on.
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
  /** Resolves once what follows from it is on its way; `step` stands for all steps that waited. */
  onFound(object: Json, reference: ObjectReference, step: Step): Promise<void>;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

export interface LookUpSettings {
  /** Milliseconds for which a look-up holds the checkpoint, and is tried. */
  lookUpTime: number;
  concurrency: number;
  /** Look-ups that wait; beyond that the next Event of the object tries again. */
  mostWaiting: number;
}

/** All that there is of look-ups in a term. */
export interface LookUpQueue {
  readonly ports: LookUpPorts;
  readonly settings: LookUpSettings;
  /** Asked for and not ended, by object. */
  readonly jobs: Map<string, Job>;
  readonly running: Set<Promise<void>>;
  readonly slots: Slots;
  /** When each was last looked up, the longest ago first. */
  readonly lastAsked: Map<string, number>;
}

/** A look-up, and the steps that it holds. */
interface Job {
  readonly key: string;
  readonly reference: ObjectReference;
  readonly steps: Set<Step>;
  /** Its time is over: it holds nothing more. */
  late: boolean;
}

/** Larger: memory. Smaller: objects that Events go on speaking of are asked for more often than the settings say. */
const rememberedLookUps = 10_000;

/** Milliseconds before an API server that is too busy, or away, is asked again; doubled each time. */
const firstPause = 250;

export function createLookUpQueue(ports: LookUpPorts, settings: LookUpSettings): LookUpQueue {
  return {
    ports,
    settings,
    jobs: new Map(),
    running: new Set(),
    slots: createSlots(settings.concurrency),
    lastAsked: new Map(),
  };
}

/** The step is held until the look-up is over. Where too many wait there is none. */
export function startLookUp(queue: LookUpQueue, reference: ObjectReference, step: Step): void {
  const key = lookUpKey(reference);
  let job = queue.jobs.get(key);
  if (job === undefined) {
    if (queue.slots.waiting() >= queue.settings.mostWaiting) {
      queue.ports.report({ type: 'looked-up', result: 'skipped' });
      return;
    }
    job = { key, reference, steps: new Set(), late: false };
    queue.jobs.set(key, job);
    const work = runJob(queue, job).finally(() => queue.running.delete(work));
    queue.running.add(work);
  }
  if (job.late || job.steps.has(step)) return;
  step.hold();
  job.steps.add(step);
}

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
  void ports.clock.sleep(settings.lookUpTime, until).then(() => releaseSteps(job, ports.signal));
  try {
    await slots.take();
    // Its turn came too late: the next Event of the object tries again.
    if (job.late) return ports.report({ type: 'looked-up', result: 'skipped' });
    const object = await askUntilAnswered(ports, job, until);
    rememberAsked(queue, job.key);
    if (object !== undefined) await ports.onFound(object, job.reference, joinSteps(job.steps));
  } finally {
    queue.jobs.delete(job.key);
    slots.release();
    over.abort();
    releaseSteps(job, ports.signal);
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

function releaseSteps(job: Job, signal: AbortSignal): void {
  // Who stops in the middle of it leaves it to the next one.
  if (signal.aborted) return;
  job.late = true;
  for (const step of job.steps) step.release();
  job.steps.clear();
}

/** What a job ships and looks up for its object holds what the job itself holds. */
function joinSteps(held: ReadonlySet<Step>): Step {
  const steps = [...held];
  return {
    hold() {
      for (const step of steps) step.hold();
    },
    release() {
      for (const step of steps) step.release();
    },
  };
}

function rememberAsked({ lastAsked, ports }: LookUpQueue, key: string): void {
  lastAsked.delete(key);
  lastAsked.set(key, ports.clock.now());
  if (lastAsked.size > rememberedLookUps) lastAsked.delete(lastAsked.keys().next().value!);
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
