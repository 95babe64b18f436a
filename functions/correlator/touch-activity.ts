/**
 * The head of an activity: when it was last heard of, and its one timer. A timer is sent before it is recorded, so that
 * none is ever recorded that does not come; one that comes and is not the recorded one is a leftover.
 */
import type { Ports } from './ports.ts';
import { type Head, headKey } from './store.ts';
import { type Activity, headItem, readActivity } from './store-items.ts';

type HeadPorts = Pick<Ports, 'store' | 'timers' | 'now'> & { waits: { retention: number } };

/** Writers of a head are few (shards, and the settle of one timer): more turns than this is a defect. */
const mostTurns = 50;

/** Milliseconds after which a timer that has not come went to the failure queue: settle's retries end before. */
const lostAfter = 15 * 60_000;

/**
 * Sees to it that the activity is settled `delaySeconds` from now or sooner. `heard`: because of new observations.
 * Repeatable.
 */
export async function touchActivity(
  ports: HeadPorts,
  activity: string,
  delaySeconds: number,
  heard: boolean,
): Promise<void> {
  let armed: number | undefined;
  await replaceHead(ports, activity, async (head) => {
    const now = ports.now();
    if (head === undefined && !heard) return undefined;
    let dueAt = head?.dueAt;
    const wanted = now + delaySeconds * 1000;
    if (dueAt === undefined || dueAt > wanted || dueAt < now - lostAfter) {
      if (armed === undefined) {
        await ports.timers.arm({ activity, dueAt: wanted }, delaySeconds);
        armed = wanted;
      }
      dueAt = armed;
    }
    return {
      ...head,
      lastIngestAt: heard ? now : head!.lastIngestAt,
      waitingSince: head?.waitingSince ?? now,
      dueAt,
    };
  });
  await bringLate(ports, activity, armed);
}

/** The settle of timer `dueAt` comes back later. */
export async function rearmActivity(
  ports: HeadPorts,
  { key }: Activity,
  seenDueAt: number,
  delaySeconds: number,
  hold: { heldSince?: number },
): Promise<void> {
  const dueAt = ports.now() + delaySeconds * 1000;
  await ports.timers.arm({ activity: key, dueAt }, delaySeconds);
  await replaceHead(ports, key, async (head) => {
    if (head === undefined || head.dueAt !== seenDueAt) return undefined;
    return { ...head, ...hold, dueAt };
  });
  await bringLate(ports, key, dueAt);
}

/**
 * The settle of timer `dueAt` is done with what it read. What came since is settled after another `quietSeconds`; what
 * is open is looked at again in `reviewSeconds`.
 */
export async function closeTurn(
  ports: HeadPorts,
  { key, headRevision }: Activity,
  seenDueAt: number,
  { quietSeconds, reviewSeconds }: { quietSeconds: number; reviewSeconds: number | undefined },
): Promise<void> {
  let armed: { dueAt: number; delay: number } | undefined;
  const arm = async (delay: number) => {
    if (armed?.delay !== delay) {
      const dueAt = ports.now() + delay * 1000;
      await ports.timers.arm({ activity: key, dueAt }, delay);
      armed = { dueAt, delay };
    }
    return armed.dueAt;
  };
  await replaceHead(ports, key, async (head, revision) => {
    if (head === undefined || head.dueAt !== seenDueAt) return undefined;
    const { lastIngestAt } = head;
    if (revision !== headRevision) {
      return { lastIngestAt, waitingSince: lastIngestAt, dueAt: await arm(quietSeconds) };
    }
    return reviewSeconds === undefined ? { lastIngestAt } : { lastIngestAt, dueAt: await arm(reviewSeconds) };
  });
  await bringLate(ports, key, armed?.dueAt);
}

/** A timer that was due before it was recorded may have come as a leftover already: once more. */
async function bringLate({ timers, now }: HeadPorts, activity: string, dueAt: number | undefined) {
  if (dueAt !== undefined && now() >= dueAt) await timers.arm({ activity, dueAt }, 0);
}

/** Until nobody else was faster. `next` answers undefined to leave the head as it is. */
async function replaceHead(
  { store, now, waits }: HeadPorts,
  key: string,
  next: (head: Head | undefined, revision: number | undefined) => Promise<Head | undefined>,
): Promise<void> {
  for (let turn = 0; turn < mostTurns; turn += 1) {
    const { head, headRevision } = readActivity(key, await store.read([headKey(key)]));
    const replacement = await next(head, headRevision);
    if (replacement === undefined) return;
    const expiresAt = Math.ceil(now() / 1000) + waits.retention;
    const item = headItem(key, replacement, (headRevision ?? 0) + 1, expiresAt);
    if (await store.replace(item, headRevision)) return;
  }
  throw new Error(`the head of ${key} kept changing`);
}
