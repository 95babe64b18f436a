/** Timers that ingest has sent: one follows whatever is written, and while one is to come no other is sent. */
import { shorten } from './items.ts';
import type { Timers } from './ports.ts';
import { mostRemembered } from './thresholds.ts';
import { createWarmMemory, type WarmMemory } from './warm-memory.ts';

export interface TimerBook {
  timers: Timers;
  now: () => number;
  /** Seconds until the first check of what is written now. */
  delay: number;
  /** Seconds by which a timer has to come after what is written now. */
  margin: number;
  /** By activity; times in milliseconds since 1970. */
  sent: WarmMemory<{ dueAt: number; expiresAt: number }>;
}

/** @param now milliseconds since 1970 */
export const createTimerBook = (
  timers: Timers,
  now: () => number,
  { delay, margin }: { delay: number; margin: number },
): TimerBook => ({ timers, now, delay, margin, sent: createWarmMemory(mostRemembered, now) });

/** When a timer comes that follows what is written now, in milliseconds since 1970; undefined where there is none. */
export function pendingTimer({ sent, now, margin }: TimerBook, activity: string): number | undefined {
  const dueAt = sent.recall(activity)?.dueAt;
  return dueAt !== undefined && dueAt > now() + margin * 1000 ? dueAt : undefined;
}

/**
 * Sees to it that a timer follows what is written now. Before the writing, which says when; and after it, again. A batch of the stream
 * that comes again begins a chain of its own: as the one that it began before, it would send again all that that one committed.
 */
export async function armTimers(book: TimerBook, activities: Iterable<string>, name: string): Promise<void> {
  const alone = [...activities].filter((activity) => pendingTimer(book, activity) === undefined);
  if (alone.length === 0) return;
  const armedAt = book.now();
  const dueAt = armedAt + book.delay * 1000;
  const id = shorten(`${name} ${armedAt}`);
  await book.timers.arm({ id, activities: alone, dueAt, armedAt }, book.delay);
  for (const activity of alone) book.sent.remember(activity, { dueAt, expiresAt: Math.ceil(dueAt / 1000) });
}
