/**
 * The heads of activities: when each was last heard of, and its one timer. A timer is sent before it is recorded, so that
 * none is ever recorded that does not come; one that comes and is not the recorded one is a leftover. Many activities are
 * changed together: their timers share messages.
 */
import { forEachOf } from './for-each-of.ts';
import type { Ports } from './ports.ts';
import { type Head, headKey, type Item, type Store } from './store.ts';
import { headItem, readActivity } from './store-items.ts';

type HeadPorts = Pick<Ports, 'store' | 'timers' | 'now'> & { waits: { retention: number } };

/** What becomes of a head: undefined leaves it as it is; `delaySeconds` gives it a new timer in place of `dueAt`. */
export type HeadChange = (
  head: Head | undefined,
  revision: number | undefined,
) => { head: Head; delaySeconds?: number } | undefined;

/** Writers of a head are few (shards, and the settle of one timer): more turns than this is a defect. */
const mostTurns = 50;

/** Milliseconds after which a timer that has not come went to the failure queue: settle's retries end before. */
const lostAfter = 15 * 60_000;

/**
 * Milliseconds. Settle reads an activity a second before its timer is due at the earliest, by a clock that may be some
 * milliseconds off: what was written this long before is read then, and the head need not tell of it.
 */
const surelyAhead = 5_000;

/**
 * Sees to it that the activities (each with its object's family) are settled `delaySeconds` from now or sooner. `heard`:
 * because of new observations, which are written already. Repeatable.
 */
export async function touchActivities(
  ports: HeadPorts,
  activities: ReadonlyMap<string, string>,
  delaySeconds: number,
  heard: boolean,
): Promise<void> {
  const change =
    (family: string): HeadChange =>
    (head) => {
      if (head === undefined && !heard) return undefined;
      const now = ports.now();
      const dueAt = head?.dueAt;
      const isPending = dueAt !== undefined && dueAt <= now + delaySeconds * 1000 && dueAt >= now - lostAfter;
      if (isPending && head?.waitingSince !== undefined && dueAt > now + surelyAhead) return undefined;
      return {
        head: {
          ...head,
          family: head?.family ?? family,
          lastIngestAt: heard ? now : head!.lastIngestAt,
          waitingSince: head?.waitingSince ?? now,
        },
        ...(!isPending && { delaySeconds }),
      };
    };
  await changeHeads(ports, new Map([...activities].map(([key, family]) => [key, change(family)])));
}

/** The settle of timer `dueAt` comes back later. */
export const comeBack =
  (seenDueAt: number, delaySeconds: number, more: Pick<Head, 'heldSince' | 'done'>): HeadChange =>
  (head) =>
    head?.dueAt === seenDueAt ? { head: { ...head, ...more }, delaySeconds } : undefined;

/**
 * The settle of timer `dueAt` is done with what it read, when the head had the revision `seen`. What came since is settled
 * after another `quietSeconds`; what is open is looked at again in `reviewSeconds`.
 */
export const closeTurn =
  (
    seenDueAt: number,
    seen: number | undefined,
    done: number,
    { quietSeconds, reviewSeconds }: { quietSeconds: number; reviewSeconds: number | undefined },
  ): HeadChange =>
  (head, revision) => {
    if (head?.dueAt !== seenDueAt) return undefined;
    const { lastIngestAt, family } = head;
    const closed = { lastIngestAt, family, done };
    if (revision !== seen) {
      return { head: { ...closed, waitingSince: lastIngestAt }, delaySeconds: quietSeconds };
    }
    return { head: closed, ...(reviewSeconds !== undefined && { delaySeconds: reviewSeconds }) };
  };

/** By partition. */
export const readHeads = async (store: Store, activities: readonly string[]): Promise<Map<string, Item>> =>
  new Map((await store.read(activities.map(headKey))).map((item) => [item.pk, item]));

/** Each until nobody else was faster. `known`: their items as they were read before, by partition. */
export async function changeHeads(
  ports: HeadPorts,
  changes: ReadonlyMap<string, HeadChange>,
  known?: ReadonlyMap<string, Item>,
): Promise<void> {
  const { store, timers, now, waits } = ports;
  /** By activity: of another turn, when somebody else was faster. */
  const armed = new Map<string, { delay: number; dueAt: number }>();
  let left = [...changes.keys()];
  for (let turn = 0; left.length > 0; turn += 1) {
    if (turn === mostTurns) throw new Error(`the head of ${left[0]} kept changing`);
    const seen = turn === 0 && known !== undefined ? known : await readHeads(store, left);
    const next = left.flatMap((key) => {
      const item = seen.get(headKey(key).pk);
      const { head, headRevision } = readActivity(key, item === undefined ? [] : [item]);
      const change = changes.get(key)!(head, headRevision);
      return change === undefined ? [] : [{ key, headRevision, ...change }];
    });
    const toArm = next.filter(
      ({ key, delaySeconds }) =>
        delaySeconds !== undefined && armed.get(key)?.delay !== Math.ceil(delaySeconds),
    );
    for (const [delay, some] of Map.groupBy(toArm, ({ delaySeconds }) => Math.ceil(delaySeconds!))) {
      const dueAt = now() + delay * 1000;
      const activities = some.map(({ key }) => key);
      await timers.arm({ activities, dueAt }, delay);
      for (const key of activities) armed.set(key, { delay, dueAt });
    }
    left = [];
    await forEachOf(next, async ({ key, head, headRevision, delaySeconds }) => {
      const { dueAt: before, ...rest } = head;
      const dueAt = delaySeconds === undefined ? before : armed.get(key)!.dueAt;
      const expiresAt = Math.ceil(now() / 1000) + waits.retention;
      const replacement = dueAt === undefined ? rest : { ...rest, dueAt };
      const item = headItem(key, replacement, (headRevision ?? 0) + 1, expiresAt);
      if (!(await store.replace(item, headRevision))) left.push(key);
    });
  }
  // A timer that was due before it was recorded may have come as a leftover already: once more.
  const late = [...armed].filter(([, { dueAt }]) => now() >= dueAt);
  for (const [dueAt, some] of Map.groupBy(late, ([, { dueAt }]) => dueAt)) {
    await timers.arm({ activities: some.map(([key]) => key), dueAt }, 0);
  }
}
