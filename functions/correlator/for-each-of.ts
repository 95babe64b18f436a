import { callsAtOnce } from './thresholds.ts';

/**
 * Runs `run` for each item, sixteen at a time: many small items wait for round trips, not for the store. Rejects with
 * the first error once nothing is under way any more; items not begun by then are left out.
 */
export async function forEachOf<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const errors: unknown[] = [];
  const worker = async () => {
    for (const item of queue) {
      if (errors.length > 0) return;
      try {
        await run(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(callsAtOnce, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}
