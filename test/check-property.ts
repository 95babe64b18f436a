/**
 * Properties try the same stories each time, so that a red run is the fault of the change that it is a run of. `npm run
 * soak` tries many more, and others each time; a failure names its seed.
 */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How many times as long as usual; only 1 is the same each time. */
    soak: number;
  }
}

export function checkProperty<T>(property: fc.IAsyncProperty<T>, numRuns?: number): Promise<void>;
export function checkProperty<T>(property: fc.IProperty<T>, numRuns?: number): void;
export function checkProperty<T>(property: fc.IRawProperty<T>, numRuns = 100): Promise<void> | void {
  const soak = inject('soak');
  return fc.assert(property, { numRuns: numRuns * soak, ...(soak === 1 && { seed: 1 }) });
}
