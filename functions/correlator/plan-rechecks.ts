/**
 * Rechecks: checks of activities of which nothing new came, because something of theirs still waits. Whoever has read all
 * that are related knows what a recheck of each of them would find, so nobody is checked to find nothing:
 *
 * - soon: of whom something can be sent that could not be sent without what came now;
 * - closing: when their open traces close. Who rechecks then takes the others' rechecks over, so that a story has one in that time
 *   and not one for each of its activities.
 *
 * Each activity that has settled says when it is checked again (`RecheckItem`). A recheck that finds a later one to come, or none to
 * be needed, leaves it at that. Whoever changes what is said arms the timer first.
 */
import { type Activity, hasSeenAll } from './activity.ts';
import type { Thresholds } from './thresholds.ts';

/** A related activity, as one sees it who has read all of it. */
export interface Seen {
  activity: Activity;
  /** Spans of its own that were not sent. */
  unsent: { final: number; open: number };
  /** When the first of the open ones can be sent, in milliseconds since 1970; undefined for none. */
  closesAt: number | undefined;
}

export interface Rechecks {
  soon: Activity[];
  closing: Seen[];
}

/** The settle of one who has read all of it. */
export interface Own {
  /** Spans. */
  sent: number;
  /** Nothing new of it came. */
  isRecheck: boolean;
  /** Seconds since when whoever begins to check finds it in the registry. */
  found: number;
}

/** @param now milliseconds since 1970 */
export function planRechecks(
  related: readonly Seen[],
  { sent, isRecheck, found }: Own,
  { registration }: Pick<Thresholds, 'registration'>,
  now: number,
): Rechecks {
  // Under way, or armed.
  const isToCome = ({ recheck }: Activity, until: number): boolean =>
    recheck?.next !== undefined && recheck.next >= now - found * 1000 && recheck.next <= until;
  const soonAt = now + registration * 1000;
  // Of whom something came has a timer for that.
  const settled = related.filter(({ activity }) => hasSeenAll(activity) && activity.merges.length === 0);
  const isSoon = ({ activity, unsent }: Seen) =>
    // Two that see each other otherwise than themselves would not stop asking.
    unsent.final > 0 && (sent > 0 || !isRecheck) && !isToCome(activity, soonAt);
  const isClosing = ({ activity, unsent, closesAt }: Seen) =>
    unsent.final + unsent.open > 0 &&
    !isToCome(activity, isRecheck ? soonAt : Math.max(soonAt, (closesAt ?? now) + registration * 1000));
  return {
    soon: settled.filter(isSoon).map(({ activity }) => activity),
    closing: settled.filter((seen) => !isSoon(seen) && isClosing(seen)),
  };
}
