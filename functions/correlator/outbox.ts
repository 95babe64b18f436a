/**
 * The outbox of an activity: numbered batches of spans. A batch is committed before it is sent, by a write that only one can do for
 * each number; to all others what is committed is as good as sent. It is sent again, the same bytes, until somebody is done with it:
 *
 * - its chain: the timer that committed it comes again where its function died, and knows its batches by the chain's id;
 * - whoever comes for a timer that was armed before the batch was committed. SQS may hand one timer out twice at once: one is done
 *   with it and deletes it, leaving the activity to a later timer, while the other commits and dies.
 */
import { ItemRefusedError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';
import { type Activity, lastBatch } from './activity.ts';
import {
  type Acknowledged,
  archivedBatches,
  type BatchItem,
  batchItem,
  packSpans,
  parseItem,
  refusedItems,
  spansOf,
} from './items.ts';
import type { Ports } from './ports.ts';
import type { Due } from './read-timers.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import { archivePartition, largestBody, type Store } from './store.ts';
import { longestRun, mostOfBatch, type Thresholds } from './thresholds.ts';

/** Somebody else has committed this number first: what was sent has to be read anew. An expected conflict. */
export class OutboxConflictError extends Error {
  override name = 'OutboxConflictError';
  readonly activity: string;
  /** Committed before the conflict, and to be sent. */
  readonly committed: readonly Span[];
  /** The batch that has the number now. */
  readonly winner: BatchItem | undefined;
  constructor(activity: string, committed: readonly Span[], winner: BatchItem | undefined) {
    super(`${activity} is being settled elsewhere`);
    this.activity = activity;
    this.committed = committed;
    this.winner = winner;
  }
}

/** Of `spans` as many as fit into one item, from the beginning; the rest is for the next batch. */
function fitBatch(spans: readonly Span[]): Span[] {
  let fitting = spans.slice(0, mostOfBatch);
  while (fitting.length > 1 && packSpans(fitting).length > largestBody)
    fitting = fitting.slice(0, Math.ceil(fitting.length / 2));
  return fitting;
}

/**
 * After the last batch that was read. Which numbers it took; undefined for no spans.
 * @throws OutboxConflictError
 */
export async function commitSpans(
  context: SettleContext,
  activity: Activity,
  spans: readonly Span[],
  { chain, isPartial = false }: { chain: string; isPartial?: boolean },
): Promise<Acknowledged | undefined> {
  const { ports, thresholds } = context;
  const from = lastBatch(activity) + 1;
  let number = from;
  for (let rest = [...spans]; rest.length > 0; number += 1) {
    const some = fitBatch(rest);
    const expiresAt = expiresIn(context, thresholds.sentRetention);
    const item = batchItem(activity.key, number, some, { at: ports.now(), chain, isPartial }, expiresAt);
    if (!(await putBatchOrSetAside(context, activity.key, item, some)))
      throw await conflict(ports.store, activity.key, item, spans.slice(0, spans.length - rest.length));
    rest = rest.slice(some.length);
  }
  return number === from ? undefined : { from, to: number - 1 };
}

/** A span that fits into no item is kept aside, and what is committed in its place is nothing. */
async function putBatchOrSetAside(
  { ports }: SettleContext,
  activity: string,
  item: ReturnType<typeof batchItem>,
  spans: readonly Span[],
): Promise<boolean> {
  try {
    return await ports.store.replace(item, undefined);
  } catch (error) {
    if (!(error instanceof ItemRefusedError)) throw error;
    await setSpansAside(ports, activity, spans, error.message);
    await ports.store.put(refusedItems(activity, item, spans));
    const { body: _, ...empty } = item;
    return ports.store.replace(empty, undefined);
  }
}

/** In the form in which they would have been sent. */
export async function setSpansAside(
  { setAside, log }: Pick<Ports, 'setAside' | 'log'>,
  source: string,
  spans: readonly Span[],
  reason: string,
): Promise<void> {
  await setAside.keep({ reason, payload: JSON.stringify({ version: 1, spans }), source });
  log({ kind: 'set-aside', source, reason });
}

/**
 * Takes the next number, so that a settle that has read what was there before starts again.
 * @throws OutboxConflictError
 */
export async function fence(context: SettleContext, activity: Activity): Promise<void> {
  const { ports, thresholds } = context;
  const expiresAt = expiresIn(context, thresholds.sentRetention);
  const number = lastBatch(activity) + 1;
  const item = batchItem(activity.key, number, [], { at: ports.now(), chain: '' }, expiresAt);
  if (!(await ports.store.replace(item, undefined)))
    throw await conflict(ports.store, activity.key, item, []);
}

async function conflict(
  store: Pick<Store, 'read'>,
  activity: string,
  item: ReturnType<typeof batchItem>,
  committed: readonly Span[],
): Promise<OutboxConflictError> {
  const [found] = await store.read([item]);
  const first = found && parseItem(found, activity);
  return new OutboxConflictError(activity, committed, first?.kind === 'batch' ? first : undefined);
}

/** Batches that whoever comes for this timer has to send. */
export function unsentBatches(
  { batches, acknowledged }: Pick<Activity, 'batches' | 'acknowledged'>,
  due: Due,
  { clockSkew }: Pick<Thresholds, 'clockSkew'>,
): BatchItem[] {
  const isAcknowledged = ({ number }: BatchItem) =>
    acknowledged.some(({ from, to }) => from <= number && number <= to);
  return batches.filter((batch) => {
    if (batch.body === undefined || batch.number <= due.sent) return false;
    if (batch.chain === due.chain) return true;
    if (due.armedAt === undefined || isAcknowledged(batch)) return false;
    return batch.at >= due.armedAt - clockSkew * 1000 && batch.at <= due.dueAt + longestRun;
  });
}

/** Of batches that are in the archive already, for a timer that comes so long after it was armed: what was committed since is its business. */
export async function readArchivedBatches(
  { ports, thresholds }: SettleContext,
  { activity, dueAt, armedAt = dueAt }: Due,
): Promise<BatchItem[]> {
  const waited = (ports.now() - armedAt) / 1000;
  if (waited <= thresholds.outboxRetention - thresholds.margin) return [];
  const items = await ports.store.list(archivePartition(activity), archivedBatches);
  return items.flatMap((stored) => {
    const item = parseItem(stored, activity);
    return item?.kind === 'batch' ? item : [];
  });
}

/** With those that were acknowledged before, where there is no gap. */
export function extend(before: readonly Acknowledged[], committed: Acknowledged): Acknowledged {
  const from = before
    .filter((range) => range.from < committed.from && committed.from <= range.to + 1)
    .reduce((least, range) => Math.min(least, range.from), committed.from);
  return { from, to: committed.to };
}

export const spansOfBatches = (batches: readonly BatchItem[]): Span[] => batches.flatMap(spansOf);
