import type { Clock as WholeClock } from '../../functions/forwarder/kubernetes/clock.ts';

/** Time as the pollers see it, so that a test can run hours in milliseconds. */
export type Clock = Pick<WholeClock, 'now' | 'sleep'>;

/** Milliseconds before the next try: 100 after the first failure, doubling, 10,000 at most. */
export const backoff = (failures: number): number => Math.min(100 * 2 ** Math.min(failures - 1, 10), 10_000);
