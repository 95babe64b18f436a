import { setTimeout as delay } from 'node:timers/promises';

/** Time as the pollers see it, so that a test can run hours in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted; never rejects. */
  sleep(duration: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(duration, signal) {
    await delay(duration, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  },
};

/** Milliseconds before the next try: 100 after the first failure, doubling, 10,000 at most. */
export const backoff = (failures: number): number => Math.min(100 * 2 ** Math.min(failures - 1, 10), 10_000);
