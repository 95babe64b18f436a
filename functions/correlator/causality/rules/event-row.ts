/**
 * What is known of a reason: one row. A row refines what holds for every controller (placement/), it never replaces it: an
 * Event without a row hangs by its object's owners, by times and by what objects say of themselves.
 */

/**
 * What an occurrence does to the object that its message or its `related` names:
 * - `creates`, `removes`: brings the target into being, asks for its removal
 * - `scales`: changes the number of objects that the target controls
 * - `rescales`: writes the replicas of the target, which makes a generation of it
 * - `observes`: reports on the target without acting on it
 * - `awaits`: its subject is held up until the target has come further, and belongs to the target from then on
 * - `applies`: a sync wrote or pruned the target, whose change is a trace of its own, linked to the sync. The pattern is tried
 *   on each line of the message
 */
export type Effect = 'creates' | 'removes' | 'scales' | 'rescales' | 'observes' | 'awaits' | 'applies';

/** What made a pod go that its owner still wanted: its condition DisruptionTarget's word, or an Event's. */
export type Disruption =
  | 'evicted-by-api'
  | 'preempted'
  | 'tainted'
  | 'garbage-collected'
  | 'stopped-by-kubelet';

/**
 * What happens to a Node. `announced` (an interruption, a scale-down), `cordoned`, `shutdown`, `pressure`, `lost` and `removed`
 * are in force until their opposite, and may take pods away; `booting` begins its start, which the first `ready` ends.
 */
export type NodeTurn =
  | 'booting'
  | 'ready'
  | 'announced'
  | 'cordoned'
  | 'uncordoned'
  | 'pressure'
  | 'pressure-over'
  | 'shutdown'
  | 'lost'
  | 'removed';

export interface EventRow {
  /**
   * Kind of the Event's subject, in its usual group (group-kind.ts); of another group, or of a kind that is not in that table, as
   * `group/Kind`. A kind that is not there, without a group: in whatever group.
   */
  subject: string;
  reason: string;
  /**
   * Absent: whatever it says. Named groups that are read: `name`, `namespace`, `kind`, `uid` (of the target), `way` (up or
   * down), `from` and `to` (replicas), `revision` and `ref` (what is synced, and its branch or tag).
   */
  message?: RegExp;
  effect?: Effect;
  /**
   * Of a row with an effect the kind of the target; `subject` where the Event acts on its own subject, `scaleTargetRef` where
   * the subject's spec names it, `message` where the group `kind` does.
   */
  target?: string;
  /** Whether the subject is the target's controller: it stands in for an ownerReference that no snapshot shows. */
  controls?: boolean;
  /**
   * Whether it speaks of its subject's start or of its end. Absent or `none`: of its end once the removal was asked for, else
   * of its start.
   */
  direction?: 'start-up' | 'tear-down' | 'none';
  /** It lasts until the next occurrence on the same object and field path. Absent: an instant. */
  phase?: true;
  /** How the change ended that its subject goes through; of a kind whose status does not say it. */
  outcome?: 'complete' | 'failed';
  /** Why its subject goes, where the Event itself says so. */
  disruption?: Disruption;
  /** What happens to its subject, a Node; of another subject: what happens to the Node that it is on. */
  turn?: NodeTurn;
  /**
   * Each is the first of a change of its own (a sync), or of an episode. `nothing`: it speaks of another revision, and is a part
   * of what went before (a rollback that mends a failed upgrade).
   */
  begins?: 'change' | 'episode' | 'nothing';
  /** `error.type` of a change that this keeps from getting there (rules/causes.ts has their order). */
  cause?: string;
  /** A message as the controller writes it. */
  example: string;
  /** The file that the format comes from, in kubernetes/kubernetes where no repository is named. */
  source: string;
}
