/**
 * Looks: settles of activities of which nothing new came, because something of theirs still waits. Whoever has read all
 * that meet knows what a look of each of them would find, so nobody looks to find nothing:
 *
 * - soon: of whom something can be sent that could not be sent without what came now;
 * - closing: when open traces may be closed. Who looks then takes the others' looks over, so that a story has one look in
 *   that time and not one for each of its activities.
 *
 * Each activity that has settled says when its next look comes (`look`). A look that finds a later one to come, or none
 * to be needed, leaves it at that. Whoever changes what is said arms the timer first.
 */
import type { Waits } from './ports.ts';
import { type Activity, hasSeen } from './store-items.ts';

/** A member of a story, as the one who has read all of it sees it. */
export interface Seen {
  member: Activity;
  /** Spans of its own that were not sent. */
  unsent: { final: number; open: number };
}

export interface Looks {
  soon: Activity[];
  closing: Activity[];
}

/** The settle of one who has read all of it. */
export interface Own {
  /** Spans. */
  sent: number;
  /** Nothing new of it came. */
  isLook: boolean;
  /** Seconds since when whoever begins to look finds it where they meet. */
  found: number;
}

/** `now` in milliseconds since 1970. */
export function planLooks(
  others: readonly Seen[],
  { sent, isLook, found }: Own,
  waits: Waits,
  now: number,
): Looks {
  // Under way, or armed.
  const isToCome = ({ look }: Activity, seconds: number): boolean =>
    look?.fields.next !== undefined &&
    look.fields.next >= now - found * 1000 &&
    look.fields.next <= now + seconds * 1000;
  // Of whom something came has a timer for that.
  const settled = others.filter(({ member }) => hasSeen(member) && member.expected.length === 0);
  const isSoon = ({ member, unsent }: Seen) =>
    // Two that see each other otherwise than themselves would not stop asking.
    unsent.final > 0 && (sent > 0 || !isLook) && !isToCome(member, waits.meeting);
  const isClosing = ({ member, unsent }: Seen) =>
    unsent.final + unsent.open > 0 &&
    (isLook ? !isToCome(member, waits.meeting) : !isToCome(member, waits.closing));
  return {
    soon: settled.filter(isSoon).map(({ member }) => member),
    closing: settled.filter((seen) => !isSoon(seen) && isClosing(seen)).map(({ member }) => member),
  };
}
