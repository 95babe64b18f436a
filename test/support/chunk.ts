import { chunkItems } from '../../functions/correlator/items.ts';
import type { Item } from '../../functions/correlator/store.ts';
import type { Observation } from '../../shared/observation.ts';
import { noon } from './start-context.ts';

/** A batch as it is filed: of the Deployment web, heard at noon, its timer 21 s later, unless something else is said. */
export const chunk = (
  batch: string,
  told: readonly Observation[],
  { activity = 'c1/uid-Deployment-web', at = noon, dueAt = noon + 21_000, family = 'web' } = {},
): Item[] =>
  chunkItems(
    activity,
    batch,
    { cluster: { uid: 'c1' }, observations: [...told] },
    { at, dueAt, family, expiresAt: 10 ** 10 },
  );
