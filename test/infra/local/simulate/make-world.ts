/** What the parts of a simulation stand in, with the faults of a test. */
import { openAccount } from '../../../../infra/local/simulate/account.ts';
import { type Faults, noFaults } from '../../../../infra/local/simulate/faults.ts';
import type { Instance, World } from '../../../../infra/local/simulate/function.ts';
import { createVirtualTime } from '../../../../infra/local/simulate/virtual-time.ts';

/** Milliseconds since 1970. */
export const noon = Date.parse('2026-03-01T12:00:00Z');

export const makeWorld = (faults: Partial<Faults> = {}): World => ({
  time: createVirtualTime(noon),
  faults: { ...noFaults, ...faults },
  account: openAccount(),
  tell() {},
});

/** Whose requests land at once. */
export const plainInstance = ({ time }: World): Instance => ({
  name: 'settle',
  now: time.now,
  call: async (_, land) => land((all) => all),
  compute() {},
});

export const runOut = ({ time }: World): Promise<boolean> => time.run(Number.POSITIVE_INFINITY);

/** Seconds after noon. */
export const secondsOf = ({ time }: World): number => (time.now() - noon) / 1000;
