/**
 * The placement rules, in the order in which they are asked. Karpenter's methods are the model: a decision is an ordered list of
 * named strategies, and it can say why it decided.
 */

import {
  cleanUp,
  creator,
  eviction,
  remover,
  replacement,
  rescale,
  rescaled,
  run,
  scaled,
  scaling,
} from './driver-rules.ts';
import { disruption, drained, nodeEpisode, nodeTurn } from './node-rules.ts';
import {
  changeInEffectRule,
  changeInHand,
  ownerDeleted,
  ownerOccurrence,
  podDeleted,
} from './owner-rules.ts';
import type { PlacementRule } from './placement-rule.ts';
import { restartRound } from './rounds.ts';

export const placementRules: readonly PlacementRule[] = [
  // What an occurrence says of another object outranks what it is about.
  restartRound,
  nodeTurn,
  nodeEpisode,
  replacement,
  run,
  rescale,
  cleanUp,
  // Disruption outranks ownership.
  disruption,
  eviction,
  drained,
  scaling,
  // The driver of its subject, …
  remover,
  creator,
  scaled,
  // … else of its owners, up the chain, …
  ownerDeleted,
  ownerOccurrence,
  // … else the change in effect at the root.
  changeInHand,
  rescaled,
  podDeleted,
  changeInEffectRule,
];

/** Where no rule has an answer: nothing that is known caused it. */
export const episode = {
  name: 'episode',
  why: 'nothing that is known and recent caused it: it belongs to what its root object goes through',
} as const;

/** Where what was sent decides: what a rule finds later takes nothing out of the trace in which it was told. */
export const sentBefore = {
  name: 'sent-before',
  why: 'what it caused was sent in this trace before it was known where it belongs',
} as const;

/** Of a change in the trace of its release. */
export const inRelease = {
  name: 'release',
  why: 'it brought the revision that the release is of, or the same images to the same workload as in another cluster',
} as const;
