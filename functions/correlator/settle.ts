/**
 * Settle: an activity that has gone quiet is read back, together with those of other roots that may have caused it, and
 * what can no longer change of its spans goes to the queue. Each span is sent by the one activity that its observation
 * is filed under.
 */
import { recordOfEnd } from '../../shared/change-record.ts';
import { MessageRefusedError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';
import { builtInRules } from './causality/rules/built-in-rules.ts';
import type { RuleSet } from './causality/rules/rule-set.ts';
import { endedChangesIn } from './count-ended.ts';
import { fileOpen, fileReleases } from './file-releases.ts';
import { forEachOf } from './for-each-of.ts';
import type { BatchResponse } from './ingest.ts';
import { acknowledgementItem, checkpointItem, releaseTimerItem, toldItem } from './items.ts';
import { createFreshReads } from './join-registry.ts';
import { setSpansAside } from './outbox.ts';
import { UnreadableBodyError } from './pack-body.ts';
import type { Ports, Timer } from './ports.ts';
import { type Due, readTimers, type SqsEvent, timerOf } from './read-timers.ts';
import { sendRechecks } from './send-rechecks.ts';
import { beginCheck, type Check, finishCheck, type Outcome } from './settle-activity.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import type { Item } from './store.ts';
import { putRecords, tellRecords } from './tell-records.ts';
import { longestOpen, type Thresholds, untilReadable, untilRetry } from './thresholds.ts';

export type SettleOptions = Partial<Pick<SettleContext, 'releasesByImages' | 'traceUrl' | 'recordOutcomes'>>;

/** The handler of the timers. A message that is no timer is set aside; the answer names those to be brought again. */
export function createSettle(
  ports: Ports,
  thresholds: Thresholds,
  rules: RuleSet = builtInRules,
  { releasesByImages = false, traceUrl, recordOutcomes }: SettleOptions = {},
): (event: SqsEvent) => Promise<BatchResponse> {
  const context: SettleContext = { ports, thresholds, rules, releasesByImages, traceUrl, recordOutcomes };
  return async (event) => {
    const { due, failures, records } = await readTimers(event, ports);
    const first = await settleTogether(context, due);
    // Each again, and alone: until the message is visible again, those it is related to settle without this activity.
    const failed: Due[] = [];
    for (const one of first.keys()) {
      const [error] = (await settleTogether(context, [one])).values();
      if (error === undefined) continue;
      const age = Math.max(0, ports.now() - one.dueAt) / 1000;
      ports.log({ kind: 'settle-failed', activity: one.activity, error, age });
      failed.push(one);
    }
    for (const [messageId, some] of Map.groupBy(failed, (one) => one.messageId)) {
      const isWhole = due.filter((one) => one.messageId === messageId).length === some.length;
      if (isWhole || !(await leaveOthersOut(context, some))) failures.add(messageId);
    }
    // Last: no span waits for a bus that is away.
    for (const { messageId, records: some } of records)
      if ((await putRecords(context, some)).length > 0) failures.add(messageId);
    return { batchItemFailures: [...failures].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

type Outcomes = ReadonlyMap<Due, Outcome>;

/** They share requests to the queues, and what they read of others. Those that failed, and why. */
async function settleTogether(context: SettleContext, some: readonly Due[]): Promise<Map<Due, unknown>> {
  const failed = new Map<Due, unknown>();
  const outcomes = new Map<Due, Outcome>();
  const checks: Check[] = [];
  const attempt = async (due: Due, step: () => Promise<Outcome | Check>) => {
    try {
      const reached = await step();
      if ('due' in reached) checks.push(reached);
      else outcomes.set(due, reached);
    } catch (error) {
      if (error instanceof UnreadableBodyError) outcomes.set(due, postponeUnreadable(context, due, error));
      else failed.set(due, error);
    }
  };
  await forEachOf(some, (due) => attempt(due, () => beginCheck(context, due)));
  // Only now: each sees whoever registered before it did.
  const reads = createFreshReads(context);
  await forEachOf(checks.splice(0), (check) =>
    attempt(check.due, () => finishCheck(context, check, reads())),
  );
  try {
    await carryOut(context, outcomes);
  } catch (error) {
    for (const due of outcomes.keys()) failed.set(due, error);
  }
  return failed;
}

function postponeUnreadable({ ports }: SettleContext, due: Due, error: UnreadableBodyError): Outcome {
  ports.log({ kind: 'unreadable', activity: due.activity, error });
  return { spans: [], sentUpTo: due.sent, next: untilReadable };
}

/** Each can be done twice without harm. Where one fails, the timers come again, and with them all of it. */
async function carryOut(context: SettleContext, outcomes: Outcomes): Promise<void> {
  const { ports, traceUrl } = context;
  const spans = [...outcomes.values()].flatMap((outcome) => outcome.spans);
  if (spans.length > 0) await sendOrSetAside(ports, spans);
  // After them, so that nothing of it holds a span back; before it is said that they were sent, so that it is done as surely.
  await fileReleases(context, spans);
  await fileOpen(
    context,
    [...outcomes.values()].flatMap(({ openChanges = [] }) => openChanges),
  );
  const ended = spans.flatMap((span) => recordOfEnd(span, { traceUrl }) ?? []);
  const stalled = [...outcomes.values()].flatMap((outcome) => outcome.stalled ?? []);
  await tellRecords(context, [...ended, ...stalled]);
  // What is said from here on, that something was sent, is true.
  await sendRechecks(
    context,
    [...outcomes].flatMap(([{ chain }, { recheck }]) => (recheck === undefined ? [] : { chain, ...recheck })),
  );
  await ports.store.put([...outcomes].flatMap(([due, outcome]) => toItems(context, due, outcome)));
  for (const { seconds, ...timer } of nextTimers(outcomes, ports.now()))
    await ports.timers.arm(timer, seconds);
  for (const { remark } of outcomes.values()) if (remark !== undefined) ports.log(remark);
  const changes = endedChangesIn(ended);
  if (changes.length > 0) ports.log({ kind: 'changes-ended', changes });
}

/** What the queue refuses for what it is, is kept aside and as good as sent. */
async function sendOrSetAside(ports: Ports, spans: readonly Span[]): Promise<void> {
  try {
    await ports.spansQueue.send(spans);
  } catch (error) {
    if (!(error instanceof MessageRefusedError)) throw error;
    await setSpansAside(ports, 'spans', error.refused as readonly Span[], error.message);
  }
}

/** What others read of it: where it stands, and what they need not send. */
function toItems(
  context: SettleContext,
  { activity }: Due,
  { checkpoint, acknowledged, recheck, releaseDueAt, stalled = [] }: Outcome,
): Item[] {
  const { maxWait, joinRetention, retention } = context.thresholds;
  const read =
    checkpoint && checkpointItem(activity, checkpoint, expiresIn(context, longestOpen + 2 * maxWait));
  const items = stalled.map(({ id }) => toldItem(activity, id, expiresIn(context, retention)));
  if (read !== undefined) return [read, ...items];
  if (acknowledged !== undefined && recheck === undefined)
    items.push(acknowledgementItem(activity, acknowledged, expiresIn(context, joinRetention)));
  if (releaseDueAt !== undefined)
    items.push(releaseTimerItem(activity, releaseDueAt, expiresIn(context, retention)));
  return items;
}

/** Those that come back, in as few messages as their times allow. */
function nextTimers(outcomes: Outcomes, armedAt: number): (Timer & { seconds: number })[] {
  const next = [...outcomes].flatMap(
    ([due, { next: seconds, sentUpTo: sent = due.sent, isPutOff = false }]) =>
      seconds === undefined ? [] : { ...due, seconds: roundUp(seconds), sent, isPutOff },
  );
  const together = Map.groupBy(next, ({ chain, seconds, isPutOff }) => `${seconds} ${isPutOff} ${chain}`);
  return [...together.values()].map((some) => {
    const { seconds } = some[0]!;
    return { ...timerOf(some), seconds, dueAt: armedAt + seconds * 1000, armedAt, since: armedAt };
  });
}

/** Whole seconds; of a longer time a twentieth more or less does not matter, and what comes back together shares a message. */
function roundUp(seconds: number): number {
  const step = Math.max(1, Math.floor(seconds / 20));
  return Math.ceil(seconds / step) * step;
}

/**
 * Of one message those that failed, without the others: with them they would bring, time and again, what was sent and
 * armed for the others already. Whether the message is done with.
 */
async function leaveOthersOut({ ports }: SettleContext, failed: readonly Due[]): Promise<boolean> {
  try {
    await ports.timers.arm(timerOf(failed), untilRetry);
    return true;
  } catch (error) {
    ports.log({ kind: 'settle-failed', activity: '', error });
    return false;
  }
}
