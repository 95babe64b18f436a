/** A clock that moves only by what is slept, or told, and sleeps a millisecond whatever it is asked: for real servers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../../../functions/forwarder/kubernetes/clock.ts';

export interface QuickClock extends Clock {
  /** What was asked for, in order: milliseconds. */
  readonly sleeps: number[];
  advance(milliseconds: number): void;
}

export function createQuickClock(start = 1_700_000_000_000): QuickClock {
  let elapsed = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => start + elapsed,
    elapsed: () => elapsed,
    advance(milliseconds) {
      elapsed += milliseconds;
    },
    async sleep(duration, signal) {
      sleeps.push(duration);
      await delay(1, undefined, { signal }).catch(() => {});
      elapsed += duration;
    },
  };
}
