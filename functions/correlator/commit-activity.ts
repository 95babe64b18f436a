/** The commit of one activity: its spans are assembled with those of related ones, and what can no longer change is written down. */
import type { Span } from '../../shared/span.ts';
import { type Activity, hasSeenAll, lastBatch, lastHeard, whatWasSent } from './activity.ts';
import { type AssembledSpan, assemble, type SentSpan } from './causality/assemble.ts';
import { planCompaction } from './compact.ts';
import { fullestCluster } from './file-observations.ts';
import { openChangesIn } from './file-releases.ts';
import {
  type Acknowledged,
  archivedSince,
  type Checkpoint,
  hourOf,
  nameChunks,
  parseItem,
  sentIn,
  spansOf,
} from './items.ts';
import type { Related } from './join-registry.ts';
import { ageOf, behind, waitsSince } from './next-step.ts';
import { commitSpans, extend, OutboxConflictError } from './outbox.ts';
import { type Bounds, firstClosing, keysOf, type Picked, pickClosed, pickSpans } from './pick-spans.ts';
import { planRechecks, type Seen } from './plan-rechecks.ts';
import type { Remark } from './ports.ts';
import { checkpointOf } from './read-checkpoint.ts';
import type { Due } from './read-timers.ts';
import type { Check, Outcome } from './settle-activity.ts';
import type { SettleContext } from './settle-context.ts';
import { archivePartition } from './store.ts';
import { findStalled } from './tell-records.ts';
import {
  longestDelay,
  muchToRead,
  shareOfQuiet,
  type Thresholds,
  untilRetry,
  untilStall,
} from './thresholds.ts';

/** What assembly has come to. */
interface Assembled extends Picked {
  spans: readonly AssembledSpan[];
  own: ReadonlySet<string>;
  /** By span id: of this activity, and of all. */
  ownSent: ReadonlyMap<string, SentSpan>;
  sent: ReadonlyMap<string, SentSpan>;
}

/** @throws UnreadableBodyError */
export async function commitActivity(
  context: SettleContext,
  check: Check,
  related: readonly Related[],
): Promise<Outcome> {
  const { ports, thresholds } = context;
  const { activity, due } = check;
  const assembled = await assembleWithArchive(context, check, related);
  const { final, open } = assembled;
  const committed = await commit(context, check, final);
  // Somebody else was faster, or this was slow: what was sent has to be read anew.
  if (committed.next !== undefined) return committed;
  const now = ports.now();
  const chunkNames = await compact(context, check, assembled);
  const { stalled, nextAt } = findStalled(context, activity, open);
  const closesAt = earliest(firstClosing(open), nextAt && Math.max(nextAt, now + untilStall * 1000));
  const closing = closesAt === undefined ? undefined : Math.max(1, (closesAt - now) / 1000);
  const { range } = committed;
  const outcome: Outcome = {
    ...committed,
    remark: toRemark(context, check, related, assembled),
    ...checkpointAfter(context, check, range),
    openChanges: openChangesIn(context, open),
    ...(stalled.length > 0 && { stalled }),
  };
  if (activity.joinKeys.length === 0) return { ...outcome, next: closing };
  const seen = related.map((one) => seeRelated(context, one, assembled.spans));
  const own = {
    sent: outcome.spans.length,
    isRecheck: hasSeenAll(activity),
    found: check.isNewlyRegistered ? 0 : thresholds.registration + behind(due, now, thresholds),
  };
  const plan = planRechecks(seen, own, thresholds, now);
  return {
    ...outcome,
    recheck: { ...plan, activity, seen: chunkNames, closesAt, acknowledged: range, readAt: check.readAt },
  };
}

const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Whether there is anything to send of traces that are over, by what it tells itself. */
export function hasClosed(context: SettleContext, check: Check): boolean {
  const { activity, observations } = check;
  const sent = whatWasSent([activity]);
  const spans = assembleAll(context, check, [], sent);
  const picked = pickSpans(spans, keysOf(observations), sent, boundsOf(context, check));
  const { spans: closed, next } = pickClosed(spans, picked, quietSince(context));
  return closed.length > 0 || next !== undefined;
}

/** Nanoseconds since 1970. */
const quietSince = ({ ports, thresholds }: SettleContext): bigint =>
  ports.assemblyClock() - BigInt(Math.round(shareOfQuiet * thresholds.quiet * 1e9));

/**
 * Of an activity that is loud, or related to one that is, what belongs to traces that are over. Undefined: nothing does.
 * @throws UnreadableBodyError
 */
export async function commitClosed(
  context: SettleContext,
  check: Check,
  related: readonly Related[],
  { seconds }: { seconds: number },
): Promise<Outcome | undefined> {
  const assembled = await assembleWithArchive(context, check, related);
  const { spans, next } = pickClosed(assembled.spans, assembled, quietSince(context));
  const untilNext =
    next === undefined ? seconds : Math.max(1, Number((next - quietSince(context)) / 1_000_000n) / 1000);
  if (spans.length === 0 && untilNext >= seconds) return undefined;
  const isAll = spans.length === assembled.final.length && assembled.open.length === 0;
  const outcome = await commit(context, check, spans, !isAll);
  if (outcome.next !== undefined) return outcome;
  if (isAll) return { ...outcome, remark: toRemark(context, check, related, assembled) };
  return {
    ...outcome,
    next: Math.min(seconds, untilNext),
    remark: toRemark(context, check, related, { ...assembled, final: spans }),
  };
}

/**
 * A timer of another chain may be to come that was sent before the commit: one that follows a chunk, or one that was to close what was
 * open. After a silence somebody has checked, and may have sent one though there was nothing to commit. And in an activity that was
 * heard of just now more is about to come, whose timer may have been sent before the commit by the clock of another function.
 */
function isAwaited(activity: Activity, due: Due, now: number, thresholds: Thresholds): boolean {
  const { chunks, batches } = activity;
  const since = waitsSince(activity, thresholds) ?? 0;
  const isToCome = (dueAt: number) =>
    dueAt > now - thresholds.margin * 1000 && dueAt !== due.dueAt && !isBefore(due, dueAt);
  const isRecent = (at: number) => at > now - longestDelay;
  return (
    lastHeard(activity) > now - (thresholds.quiet / 2) * 1000 ||
    chunks.some(({ at, dueAt }) => isToCome(dueAt) || (at < since && isRecent(at))) ||
    batches.some(({ at, body, chain }) => body !== undefined && isRecent(at) && chain !== due.chain)
  );
}

/** It had come when this one was sent. */
const isBefore = ({ since }: Due, dueAt: number): boolean => since !== undefined && dueAt <= since + 1000;

/** `range`: of the outbox, undefined where nothing was committed; `next`: nothing was, because somebody else was faster or this was slow. */
interface Committed extends Outcome {
  range?: Acknowledged | undefined;
}

/**
 * Another settle may have registered, read and committed since related ones were read, and have put in another trace what is assembled
 * here. Once: where there is so much to read that it is never fresh, it would be put off for ever.
 */
function isStale(
  { ports, thresholds }: SettleContext,
  { activity, due, relatedReadAt }: Pick<Check, 'activity' | 'due' | 'relatedReadAt'>,
): boolean {
  if (relatedReadAt === undefined || activity.joinKeys.length === 0 || due.isPutOff) return false;
  return ports.now() - relatedReadAt > thresholds.registration * 1000;
}

export async function commit(
  context: SettleContext,
  check: Pick<Check, 'activity' | 'due' | 'resent' | 'relatedReadAt'>,
  spans: readonly Span[],
  isPartial = false,
): Promise<Committed> {
  const { ports, thresholds } = context;
  const { activity, due, resent } = check;
  if (isStale(context, check)) return { spans: resent, next: untilRetry, isPutOff: true };
  try {
    const committed = await commitSpans(context, activity, spans, { chain: due.chain, isPartial });
    const range = committed && extend(activity.acknowledged, committed);
    return {
      spans: [...resent, ...spans],
      sentUpTo: committed?.to ?? lastBatch(activity),
      range,
      acknowledged: isPartial || isAwaited(activity, due, ports.now(), thresholds) ? range : undefined,
    };
  } catch (error) {
    if (!(error instanceof OutboxConflictError)) throw error;
    // If it is this timer's, which came twice, or this very call, whose first answer was lost, nobody else may live to send it.
    const again = error.winner?.chain === due.chain ? spansOf(error.winner) : [];
    return { spans: [...resent, ...error.committed, ...again], next: untilRetry };
  }
}

/** Once more where the archive says that some of it was sent. */
async function assembleWithArchive(
  context: SettleContext,
  check: Check,
  related: readonly Related[],
): Promise<Assembled> {
  const { activity, observations } = check;
  const own = keysOf(observations);
  const bounds = boundsOf(context, check);
  const sentHere = whatWasSent([activity]);
  const sentThere = whatWasSent(related.map((one) => one.activity));
  const archived = new Map<string, SentSpan>();
  const asked = new Set<number>();
  for (;;) {
    const ownSent = new Map([...sentHere, ...archived]);
    const sent = new Map([...ownSent, ...sentThere]);
    const spans = assembleAll(context, check, related, sent);
    const picked = pickSpans(spans, own, ownSent, bounds);
    const hours = oldHours(context, [...picked.final, ...picked.open.map(({ span }) => span)]).difference(
      asked,
    );
    const found = await readArchive(context, activity, hours);
    for (const hour of hours) asked.add(hour);
    for (const span of found) archived.set(span.spanId, span);
    if (found.length === 0) return { ...picked, spans, own, ownSent, sent };
  }
}

function assembleAll(
  { ports, rules }: SettleContext,
  { chunks }: Check,
  related: readonly Related[],
  sent: ReadonlyMap<string, SentSpan>,
): AssembledSpan[] {
  return assemble({
    cluster: fullestCluster(chunks.map(({ cluster }) => cluster)),
    observations: [...chunks, ...related.flatMap((one) => one.chunks)].flatMap((chunk) => chunk.observations),
    rules,
    sent,
    now: ports.assemblyClock(),
  });
}

/** Hours since 1970, of spans that start so long ago that the archive may say that they were sent. */
function oldHours(
  { ports, thresholds }: SettleContext,
  spans: readonly Pick<SentSpan, 'startTimeUnixNano'>[],
) {
  const since = BigInt(ports.now() - thresholds.afterTrace * 1000) * 1_000_000n;
  return new Set(spans.filter((span) => BigInt(span.startTimeUnixNano) < since).map(hourOf));
}

async function readArchive({ ports }: SettleContext, { key }: Activity, hours: ReadonlySet<number>) {
  const found: SentSpan[] = [];
  for (const hour of hours) {
    for (const stored of await ports.store.list(archivePartition(key), archivedSince(hour))) {
      const item = parseItem(stored, key);
      if (item?.kind === 'sent') found.push(...sentIn(item));
    }
  }
  return found;
}

function boundsOf(
  { ports, thresholds }: SettleContext,
  { activity, chunks }: Pick<Check, 'activity' | 'chunks'>,
): Bounds {
  const until = activity.chunks.reduce((last, { compacted }) => Math.max(last, compacted?.until ?? 0), 0);
  return {
    horizon: BigInt(ports.now() - 2 * thresholds.retention * 1000) * 1_000_000n,
    compactedUntil: BigInt(until) * 1_000_000n,
    unsent: new Set(chunks.flatMap(({ unsent = [] }) => unsent)),
  };
}

/** As `related` would see itself, but for what is in its archive: of what is so old it is not asked. */
function seeRelated(context: SettleContext, related: Related, spans: readonly AssembledSpan[]): Seen {
  const { activity, observations } = related;
  const bounds = boundsOf(context, related);
  const recent = BigInt(context.ports.now() - context.thresholds.afterTrace * 1000) * 1_000_000n;
  const { final, open } = pickSpans(
    spans.filter(({ span }) => BigInt(span.startTimeUnixNano) >= recent),
    keysOf(observations),
    whatWasSent([activity]),
    bounds,
  );
  return { activity, unsent: { final: final.length, open: open.length }, closesAt: firstClosing(open) };
}

/** What is mostly little stays as it is. The name of the chunks that there are then. */
async function compact(context: SettleContext, check: Check, assembled: Assembled): Promise<string> {
  const { activity, chunks } = check;
  const { store, now } = context.ports;
  const left = new Map<string, { sk: string }>(activity.chunks.map((item) => [item.sk, item]));
  if (activity.bytes >= muchToRead) {
    const settled = { activity, chunks, assembled: assembled.spans, open: assembled.open };
    for (const { put, remove } of planCompaction(settled, context.thresholds, now())) {
      await store.put(put);
      await store.remove(remove);
      for (const item of put) if (parseItem(item, activity.key)?.kind === 'chunk') left.set(item.sk, item);
      for (const { sk } of remove) left.delete(sk);
    }
  }
  return nameChunks([...left.values()]);
}

function checkpointAfter(
  { ports, rules }: SettleContext,
  check: Check,
  acknowledged: Acknowledged | undefined,
): { checkpoint?: Checkpoint } {
  const { activity } = check;
  const checkpoint = checkpointOf(check, rules, {
    batch: acknowledged?.to ?? lastBatch(activity),
    committedAt: ports.now(),
    since: undefined,
    acknowledged: acknowledged ?? activity.checkpoint?.acknowledged,
  });
  return checkpoint === undefined ? {} : { checkpoint };
}

function toRemark(
  { ports, thresholds }: SettleContext,
  { activity, root }: Check,
  related: readonly Related[],
  { final, open, sent }: Assembled,
): Remark {
  const closed = new Set(
    [...sent.values()].flatMap((span) => (span.parentSpanId === null ? span.traceId : [])),
  );
  return {
    kind: 'settled',
    activity: activity.key,
    related: 1 + related.length,
    sent: final.length,
    late: final.filter(({ traceId }) => closed.has(traceId)).length,
    unresolved: root!.isKnown ? 0 : final.length,
    open: open.length,
    traceIds: [...new Set(final.map(({ traceId }) => traceId))],
    age: ageOf(activity, ports.now(), thresholds),
  };
}
