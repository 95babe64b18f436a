/**
 * Time that passes only where nothing is left to do: what is to happen waits in a heap, and the clock jumps from one to the next.
 * Between two of them all promises run dry, so that nothing ever happens at once and the order is the same in each run.
 */
import { setImmediate as runDry } from 'node:timers/promises';

export interface VirtualTime {
  /** Milliseconds since 1970. */
  now(): number;
  /** `act` happens then, now at the earliest, in the order of asking where times are equal; the answer takes it back. */
  at(time: number, act: () => void): () => void;
  after(milliseconds: number, act: () => void): () => void;
  sleep(milliseconds: number): Promise<void>;
  /** A defect of the simulation itself ends it. */
  watch(work: Promise<unknown>): void;
  /**
   * Until nothing is to happen any more, or something would after `end`. Whether all is done.
   * @param onMoment each time that it moved on; it may do nothing to what is simulated
   */
  run(end: number, onMoment?: (now: number) => void): Promise<boolean>;
}

interface Moment {
  time: number;
  order: number;
  act: (() => void) | undefined;
}

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  let asked = 0;
  let defect: { error: unknown } | undefined;
  const heap: Moment[] = [];
  const at: VirtualTime['at'] = (time, act) => {
    const moment: Moment = { time: Math.max(now, time), order: asked++, act };
    push(heap, moment);
    return () => {
      moment.act = undefined;
    };
  };
  const after: VirtualTime['after'] = (milliseconds, act) => at(now + milliseconds, act);
  return {
    now: () => now,
    at,
    after,
    sleep: (milliseconds) => new Promise((resolve) => after(milliseconds, resolve)),
    watch(work) {
      work.catch((error: unknown) => {
        defect ??= { error };
      });
    },
    async run(end, onMoment) {
      await runDry();
      for (let next = pop(heap); next !== undefined; next = pop(heap)) {
        if (next.act === undefined) continue;
        if (next.time > end) return false;
        if (next.time !== now) onMoment?.(next.time);
        now = next.time;
        next.act();
        await runDry();
        if (defect !== undefined) throw defect.error;
      }
      return true;
    },
  };
}

const isBefore = (a: Moment, b: Moment): boolean =>
  a.time < b.time || (a.time === b.time && a.order < b.order);

function push(heap: Moment[], moment: Moment): void {
  let at = heap.length;
  heap.push(moment);
  for (; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!isBefore(moment, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = moment;
}

function pop(heap: Moment[]): Moment | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
