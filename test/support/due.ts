import type { Due } from '../../functions/correlator/read-timers.ts';
import { noon } from './start-context.ts';

/** A timer that was armed at noon for 21 s later, of one activity and alone, unless something else is said. */
export const dueOf = (more: Partial<Due> = {}): Due => ({
  chain: 'chain',
  activity: 'c1/web',
  dueAt: noon + 21_000,
  armedAt: noon,
  since: undefined,
  sent: 0,
  messageId: 'm',
  isPutOff: false,
  isAlone: true,
  ...more,
});
