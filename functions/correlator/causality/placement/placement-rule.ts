/**
 * A placement rule: one reason for which an occurrence hangs where it does. The rules are an ordered list (placement-rules.ts);
 * the first that has an answer places the occurrence, and its name and its ground are written on the span.
 */
import type { Observation } from '../../../../shared/observation.ts';
import type { Change } from '../change.ts';
import type { Occurrence } from '../gather-occurrences.ts';
import type { JoinKey } from '../join-key.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import type { Match, RuleSet } from '../rules/rule-set.ts';
import type { World } from './world.ts';

/**
 * What a placement rests on, the strongest first: a UID, an ownerReference, a resourceVersion or generation, a condition of the
 * object, a mark that somebody left on it (a label, an annotation), a message's words, nearness in time.
 */
export type Evidence = 'uid' | 'owner' | 'version' | 'condition' | 'mark' | 'message' | 'time';

export type Place =
  | { under: 'occurrence'; occurrence: Occurrence; evidence: Evidence }
  | { under: 'change'; change: Change; evidence: Evidence }
  /** Nothing that is known caused it. */
  | { under: 'nothing'; evidence: Evidence };

export type Placement = Place & {
  /** The name of the rule that placed it. */
  because: string;
};

/** An observation as a rule looks at it when it says whom else it concerns. */
export type Told =
  | { type: 'event'; event: Extract<Observation, { type: 'event' }>['event']; match: Match | undefined }
  | Pick<Extract<Observation, { type: 'object' }>, 'type' | 'object' | 'deleted' | 'from'>;

export interface PlacementRule {
  name: string;
  /** A sentence that completes "it hangs there because …". */
  why: string;
  /** Undefined: the next rule is asked. */
  place(occurrence: Occurrence, subject: KubernetesObject, world: World): Place | undefined;
  /**
   * Under which keys activities of other roots are found that this rule needs: both sides name the same. What makes it
   * necessary to look again is derived from this (join-keys.ts).
   */
  joins?(told: Told, rules: RuleSet): Iterable<JoinKey>;
}

export const nothing = (evidence: Evidence): Place => ({ under: 'nothing', evidence });

export const below = (occurrence: Occurrence, evidence: Evidence): Place => ({
  under: 'occurrence',
  occurrence,
  evidence,
});

export const within = (change: Change, evidence: Evidence): Place => ({ under: 'change', change, evidence });
