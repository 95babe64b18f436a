/**
 * Ended changes are filed under the release that they may be of: an activity of its own, keyed by what they have in common. By whoever
 * sends their roots, after that and each time: so a change is filed as surely as its root is sent, and no root waits for it.
 *
 * Most are the only ones of their key: a timer is armed only by who finds that there is a release. Who writes and then reads sees whoever
 * wrote before, so of two that file at once one arms it at least.
 */
import type { Span } from '../../shared/span.ts';
import type { AssembledSpan } from './causality/assemble.ts';
import { forEachOf } from './for-each-of.ts';
import {
  parseItem,
  releaseChangeItem,
  releaseOpenItem,
  releaseTimerItem,
  releaseTimerKey,
  shorten,
} from './items.ts';
import { assembleRelease, readRelease, releaseActivity } from './read-release.ts';
import { type OpenChange, type ReleaseChange, readReleaseChange } from './releases/release-change.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import { releaseTimes } from './thresholds.ts';

export async function fileReleases(context: SettleContext, spans: readonly Span[]): Promise<void> {
  const changes = changesIn(context, spans);
  if (changes.length === 0) return;
  const { store } = context.ports;
  const byRelease = Map.groupBy(changes, releaseActivity);
  const expiresAt = expiresIn(context, context.thresholds.retention);
  await store.put(
    [...byRelease].flatMap(([activity, some]) =>
      some.map((change) => releaseChangeItem(activity, change, expiresAt)),
    ),
  );
  const pending = await withTimers(context, [...byRelease.keys()]);
  await forEachOf([...byRelease], async ([activity, some]) => {
    if (!pending.has(activity)) await armWhereItIsOne(context, activity, some);
  });
}

const changesIn = (
  { releasesByImages }: Pick<SettleContext, 'releasesByImages'>,
  spans: readonly Span[],
): ReleaseChange[] =>
  spans
    .flatMap((span) => readReleaseChange(span) ?? [])
    .filter(({ key }) => key.by !== 'images' || releasesByImages);

/**
 * Changes for which their release is to wait: those that began so long ago that it may be sent before they are heard of again. Most have
 * ended by then, and cost nothing.
 * @param open spans that may still change
 */
export function openChangesIn(context: SettleContext, open: readonly AssembledSpan[]): OpenChange[] {
  const now = context.ports.assemblyClock();
  const since = now - releaseTimes(context.thresholds).wait / 2n;
  const long = open.flatMap(({ span }) => (BigInt(span.startTimeUnixNano) <= since ? span : []));
  return changesIn(context, long).map((change) => ({ change, heardAt: now }));
}

export async function fileOpen(context: SettleContext, open: readonly OpenChange[]): Promise<void> {
  if (open.length === 0) return;
  const expiresAt = expiresIn(context, context.thresholds.retention);
  await context.ports.store.put(
    open.map((one) => releaseOpenItem(releaseActivity(one.change), one, expiresAt)),
  );
}

/** Those of which a timer comes after what was written just now. */
async function withTimers(
  { ports: { store, now }, thresholds }: SettleContext,
  activities: readonly string[],
): Promise<Set<string>> {
  const pending = new Set<string>();
  for (const item of await store.read(activities.map(releaseTimerKey))) {
    const activity = item.pk.slice(item.pk.indexOf('#') + 1);
    const parsed = parseItem(item, activity);
    if (parsed?.kind === 'release-timer' && parsed.dueAt > now() + thresholds.margin * 1000)
      pending.add(activity);
  }
  return pending;
}

async function armWhereItIsOne(
  context: SettleContext,
  activity: string,
  filed: readonly ReleaseChange[],
): Promise<void> {
  const { ports, thresholds } = context;
  const release = await readRelease(context, activity);
  const { spans, nextAt } = assembleRelease(context, release, ports.assemblyClock());
  if (spans.length === 0 && nextAt === undefined) return;
  const armedAt = ports.now();
  // What can be sent at once is late: others may be, too.
  const soon = armedAt + thresholds.quiet * 1000;
  const dueAt = spans.length > 0 || nextAt === undefined ? soon : Math.max(soon, milliseconds(nextAt));
  const id = shorten(`${activity} ${armedAt} ${filed.map(({ root }) => root.spanId).join()}`);
  await ports.timers.arm({ id, activities: [activity], dueAt, armedAt }, (dueAt - armedAt) / 1000);
  await ports.store.put([releaseTimerItem(activity, dueAt, expiresIn(context, thresholds.retention))]);
}

const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds / 1_000_000n) + 1;
