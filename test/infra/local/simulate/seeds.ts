/** Seeds for simulations, and what somebody has to know of one that is not sound. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { ClusterObservations } from '../../../../infra/local/read-clusters.ts';
import { isSound, type Simulated, simulate } from '../../../../infra/local/simulate/simulate.ts';
import { describeFailures } from '../../../../infra/local/simulate/verify.ts';

/** Any as likely as the next; and a smaller one that fails says no more. */
export const seeds = fc.noShrink(fc.noBias(fc.nat()));

/** Lost, contradicted or orphaned spans, mistakes of the code, what never came to an end. */
export const failuresOf = (simulated: Simulated): string[] => [
  ...describeFailures(simulated.verdict),
  ...simulated.runs.flatMap(({ defects }) => defects),
  ...(isSound(simulated) ? [] : ['not sound']),
];

/** A failure names its seed, for `rootspan simulate --faults all --seed`. */
export async function expectSound(clusters: readonly ClusterObservations[], seed: number): Promise<void> {
  const simulated = await simulate(clusters, { seed, faults: 'all' });
  expect(failuresOf(simulated), `--faults all --seed ${seed}`).toEqual([]);
}
