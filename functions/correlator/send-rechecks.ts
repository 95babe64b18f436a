/** Timers of rechecks, and what each activity says of when it is checked again (plan-rechecks.ts decides who). */
import type { Activity } from './activity.ts';
import { forEachOf } from './for-each-of.ts';
import { type Acknowledged, parseItem, type RecheckItem, recheckItem, recheckKey, shorten } from './items.ts';
import type { Rechecks } from './plan-rechecks.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import { mostAttempts } from './thresholds.ts';

/** Of an activity that is related to others and has settled. */
export interface OwnRecheck extends Rechecks {
  activity: Activity;
  /** The name of its chunks. */
  seen: string;
  /** When its first open span can be sent, in milliseconds since 1970; undefined where nothing of it is open. */
  closesAt: number | undefined;
  acknowledged: Acknowledged | undefined;
  /** When it was read, in milliseconds since 1970: what others have committed since, its timers have to find. */
  readAt: number;
}

type Own = OwnRecheck & { chain: string };
type Filled<T> = readonly [T, ...T[]];
const isFilled = <T>(all: readonly T[]): all is Filled<T> => all.length > 0;

/** What is settled together and closes together is rechecked together: what those read then is read once. */
export async function sendRechecks(context: SettleContext, all: readonly Own[]): Promise<void> {
  if (!isFilled(all)) return;
  const settled = new Set(all.map(({ activity }) => activity.key));
  const { registration } = context.thresholds;
  const soon = othersOf(
    all.flatMap((own) => own.soon),
    settled,
  );
  if (soon.length > 0) await sayNext(context, soon, await arm(context, all, 'soon', soon, registration));
  const closing = [...all, ...all.flatMap((own) => own.closing)].filter(
    ({ activity, closesAt }) => closesAt !== undefined || !settled.has(activity.key),
  );
  const next = new Map<string, number>();
  for (const [seconds, some] of Map.groupBy(closing, ({ closesAt }) => untilClosed(context, closesAt))) {
    const activities = [...new Map(some.map(({ activity }) => [activity.key, activity])).values()].filter(
      ({ key }) => !next.has(key),
    );
    if (activities.length === 0) continue;
    const at = await arm(context, all, `closing ${seconds}`, activities, seconds);
    for (const { key } of activities) next.set(key, at);
    await sayNext(
      context,
      activities.filter(({ key }) => !settled.has(key)),
      at,
    );
  }
  // Last: a timer that comes again leaves it at that. Where somebody was faster, a recheck is to come that finds this.
  await forEachOf(all, async ({ activity: { key, recheck }, seen, acknowledged = recheck?.acknowledged }) => {
    const said = { seen, next: next.get(key), acknowledged };
    const item = recheckItem(
      key,
      said,
      recheck?.revision,
      expiresIn(context, context.thresholds.joinRetention),
    );
    await context.ports.store.replace(item, recheck?.revision);
  });
}

/** Whole seconds, with the time that what still belongs to it takes to be checked first, and to be found in the registry. */
function untilClosed({ ports, thresholds }: SettleContext, closesAt: number | undefined): number {
  const { quiet, slack, registration } = thresholds;
  if (closesAt === undefined) return registration;
  return Math.max(1, Math.ceil((closesAt - ports.now()) / 1000)) + quiet + slack + registration;
}

const othersOf = (some: readonly Activity[], settled: ReadonlySet<string>): Activity[] =>
  [...new Map(some.map((other) => [other.key, other])).values()].filter(({ key }) => !settled.has(key));

/** When they come, in milliseconds since 1970. */
async function arm(
  { ports }: SettleContext,
  [{ chain, activity, readAt }, ...others]: Filled<Own>,
  name: string,
  some: readonly Activity[],
  seconds: number,
): Promise<number> {
  const since = ports.now();
  const dueAt = since + seconds * 1000;
  const armedAt = Math.min(readAt, ...others.map((own) => own.readAt));
  const id = shorten(`${chain} ${activity.key} ${name}`);
  await ports.timers.arm({ id, activities: some.map(({ key }) => key), dueAt, armedAt, since }, seconds);
  return dueAt;
}

/** Says so of others, unless somebody else has asked for a recheck as early. */
async function sayNext(context: SettleContext, some: readonly Activity[], next: number): Promise<void> {
  const { store, now } = context.ports;
  await forEachOf(some, async ({ key, recheck }) => {
    for (let turn = 0, at = recheck; at !== undefined; turn += 1) {
      if (turn === mostAttempts) throw new Error(`${key} is rechecked all the time`);
      const expiresAt = expiresIn(context, context.thresholds.joinRetention);
      if (await store.replace(recheckItem(key, { ...at, next }, at.revision, expiresAt), at.revision)) return;
      at = await readRecheck(context, key);
      if (at?.next !== undefined && at.next >= now() && at.next <= next) return;
    }
  });
}

async function readRecheck({ ports }: SettleContext, key: string): Promise<RecheckItem | undefined> {
  const [found] = await ports.store.read([recheckKey(key)]);
  const item = found && parseItem(found, key);
  return item?.kind === 'recheck' ? item : undefined;
}
