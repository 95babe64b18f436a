/** What the names of placement rules mean, in words. */
import {
  episode,
  inRelease,
  placementRules,
  sentBefore,
} from '../../../functions/correlator/causality/placement/placement-rules.ts';

const whys: ReadonlyMap<string, string> = new Map(
  [...placementRules, episode, sentBefore, inRelease].map(({ name, why }) => [name, why]),
);

/** `''` of a rule that nobody here knows: a foreign span may name any. */
export const explainRule = (name: string): string => whys.get(name) ?? '';
