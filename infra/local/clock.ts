import type { Clock as WholeClock } from '../../functions/forwarder/kubernetes/clock.ts';

/** Time as the pollers see it, so that a test can run hours in milliseconds. */
export type Clock = Pick<WholeClock, 'now' | 'sleep'>;

/** Milliseconds before the next try: 100 after the first failure, doubling, 10,000 at most. */
export const backoff = (failures: number): number => Math.min(100 * 2 ** Math.min(failures - 1, 10), 10_000);

/** Until it works or the poller is stopped: undefined then. */
export async function insist<T>(
  { ports, signal }: { ports: { clock: Clock; onError(error: unknown): void }; signal: AbortSignal },
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return undefined;
      ports.onError(error);
      await ports.clock.sleep(backoff(++failures), signal);
    }
  }
  return undefined;
}
