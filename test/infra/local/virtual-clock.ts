/** A clock that jumps to the next sleeper once everybody else has come to rest: hours pass in milliseconds. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../infra/local/clock.ts';

export interface VirtualClock extends Clock {
  /** All sleeps that were asked for, in order: milliseconds. */
  readonly sleeps: number[];
}

export function createVirtualClock(start = 1_700_000_000_000): VirtualClock {
  let now = start;
  const sleepers = new Set<{ at: number; wake(): void }>();
  const sleeps: number[] = [];
  let jumping = false;
  const jump = async () => {
    jumping = true;
    while (sleepers.size > 0) {
      await setImmediate();
      let next: { at: number; wake(): void } | undefined;
      for (const sleeper of sleepers) if (next === undefined || sleeper.at < next.at) next = sleeper;
      if (next === undefined) break;
      now = Math.max(now, next.at);
      next.wake();
    }
    jumping = false;
  };
  return {
    sleeps,
    now: () => now,
    sleep(duration, signal) {
      if (signal.aborted) return Promise.resolve();
      sleeps.push(duration);
      return new Promise((resolve) => {
        const sleeper = {
          at: now + duration,
          wake() {
            sleepers.delete(sleeper);
            signal.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener('abort', sleeper.wake, { once: true });
        if (!jumping) void jump();
      });
    },
  };
}
