/** What somebody did to a root object. */

import type { Restored } from './find-rollback.ts';
import type { Sync } from './find-syncs.ts';
import type { Version } from './gather-objects.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { Outcome } from './outcome.ts';
import type { Caller } from './read-traceparent.ts';
import { compare, type Moment } from './time.ts';

export interface Change {
  object: KubernetesObject;
  type: 'generation' | 'sync' | 'deletion';
  /** A generation, `delete`, or a sync's first occurrence. */
  id: string;
  generation: number | undefined;
  /** The highest generation that belongs to it: its own controller may write more. */
  lastGeneration: number | undefined;
  /** Not known where the generation was there before anybody looked and nothing says since when. */
  moment: Moment | undefined;
  /** Its moment was seen: it has a root even where no Event follows. */
  isSeen: boolean;
  verb: string;
  manager: string;
  /** As in managedFields, or `Delete`. */
  operation: string;
  outcome: Outcome;
  /** The version that the change wrote, as far as it was seen. */
  version: Version | undefined;
  /** The version before that, where it was seen. */
  before: Version | undefined;
  /** What of before it brings back. */
  restores: Restored | undefined;
  /** The Event that is the root of a sync. */
  sync: Sync | undefined;
  /** Whose trace it is a part of, by the annotation that it wrote. */
  caller: Caller | undefined;
  /** Whom its object's annotations name besides: by others' conventions, not sampled, or before this change. */
  otherCallers: readonly Caller[];
}

/** A change before it is known how it ended. */
export type Begun = Omit<Change, 'outcome'>;

/** kspan's mark, which Flux 1 set on its Events: this one is the root of its change. */
export const isMarked = ({ event }: Occurrence): boolean => event.annotations?.topLevelSpan === 'true';

/** A Pod of before 1.33 has none, and one change. */
export const generationOf = ({ object }: Version): number | undefined =>
  object.generation ?? (object.kind === 'Pod' ? 1 : undefined);

/** Whether `a` began after `b`. */
export const isLaterChange = (a: Change, b: Change): boolean =>
  a.moment !== undefined && (b.moment === undefined || compare(a.moment.at, b.moment.at) > 0);
