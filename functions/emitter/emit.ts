/**
 * One invocation: messages of the spans queue to as few requests as the limits allow, and each message to its fate.
 *
 * - What the backend takes is done, also where it takes a part (OTLP: a partial success is not to be sent again).
 * - A refused request is halved until the refused spans are alone; they are set aside, the others go through.
 * - Once the backend is unavailable nothing more is sent; messages with spans that are neither delivered nor set
 *   aside are reported as failed, so that the queue keeps them and brings them again. Some of their spans then go
 *   twice, which is harmless: their ids are the same.
 * - A message that cannot be read is set aside with its body.
 */
import type { Poison, SetAside } from '../../shared/set-aside.ts';
import type { Span } from '../../shared/span.ts';
import { decodeSpanBatch } from '../../shared/span-batch-codec.ts';
import type { ExportOutcome } from './export-spans.ts';
import { findExcess, type PackingLimits, packRequests } from './pack-requests.ts';

export interface QueueMessage {
  messageId: string;
  body: string;
}

export interface EmitPorts {
  exportSpans(spans: readonly Span[]): Promise<ExportOutcome>;
  setAside: SetAside;
  /** Milliseconds since 1970. */
  now(): number;
}

export interface EmitLimits extends PackingLimits {
  /** How many requests an invocation may spend on telling refused spans from good ones. */
  narrowingRequests: number;
}

/**
 * 500 requests find some 25 refused spans among 5,000 and take a minute or so. Where there are more, or no time is left,
 * what is undecided waits in the queue for the next invocation.
 */
export const narrowingRequests = 500;

/** Every span that was read is in one of exported, rejected, refused and kept. */
export interface EmitResult {
  /** As SQS's ReportBatchItemFailures wants it. */
  batchItemFailures: { itemIdentifier: string }[];
  exported: number;
  /** Dropped by the backend in partial successes. */
  rejected: number;
  /** Set aside. */
  refused: number;
  /** Still to be delivered, in the queue. */
  kept: number;
  requests: number;
  /** What the backend asked for, when it asked. */
  retryAfterMs?: number;
  /** What somebody should hear of: to be logged. */
  remarks: EmitRemark[];
}

export type EmitRemark =
  | { kind: 'unreadable-message'; messageId: string; reason: string }
  | { kind: 'partly-accepted'; spans: number; rejectedSpans: number; message: string }
  | { kind: 'refused'; messageId: string; spans: number; traceIds: string[]; reason: string }
  | { kind: 'unavailable'; message: string }
  /** The invocation's time is up; the spans stay in the queue. */
  | { kind: 'out-of-time'; spans: number }
  /** There were too many refusals to tell all refused spans from good ones in one invocation. */
  | { kind: 'undecided'; spans: number }
  /** The place for what is set aside failed; the messages stay in the queue. */
  | { kind: 'not-set-aside'; error: string };

/** A span on its way, and the message (by its id) that waits for it. */
interface Item {
  span: Span;
  messageId: string;
}

/**
 * Build once, run for each batch of messages. `deadline` is in milliseconds since 1970: at that time nothing more is
 * sent, but for one request in any case. It rejects only for a defect (all messages then come again), never for what a
 * message or the backend says.
 */
export function createEmitter(
  ports: EmitPorts,
  limits: EmitLimits,
): (messages: readonly QueueMessage[], deadline: number) => Promise<EmitResult> {
  return (messages, deadline) => emit(messages, ports, limits, deadline);
}

async function emit(
  messages: readonly QueueMessage[],
  ports: EmitPorts,
  limits: EmitLimits,
  deadline: number,
): Promise<EmitResult> {
  const result: EmitResult = {
    batchItemFailures: [],
    exported: 0,
    rejected: 0,
    refused: 0,
    kept: 0,
    requests: 0,
    remarks: [],
  };
  const { items, failed } = await readMessages(messages, ports, result);
  const { refused, left } = await deliver(items, ports, limits, deadline, result);
  const kept = [...left, ...(await setAsideRefused(refused, ports, result))];
  result.kept = kept.length;
  for (const { messageId } of kept) failed.add(messageId);
  result.batchItemFailures = [...failed].map((itemIdentifier) => ({ itemIdentifier }));
  return result;
}

/** The spans of those that can be read; `failed`: neither read nor set aside. */
async function readMessages(
  messages: readonly QueueMessage[],
  ports: EmitPorts,
  result: EmitResult,
): Promise<{ items: Item[]; failed: Set<string> }> {
  const items: Item[] = [];
  const failed = new Set<string>();
  for (const { messageId, body } of messages) {
    const batch = decodeSpanBatch(body);
    if (batch.ok) {
      for (const span of batch.value.spans) items.push({ span, messageId });
    } else {
      result.remarks.push({ kind: 'unreadable-message', messageId, reason: batch.reason });
      const poison = { reason: `the message ${batch.reason}`, payload: body, source: messageId };
      if (!(await isSetAside(poison, ports, result))) failed.add(messageId);
    }
  }
  return { items, failed };
}

/** @returns those for which there was no place */
async function setAsideRefused(refused: Refused, ports: EmitPorts, result: EmitResult): Promise<Item[]> {
  const left: Item[] = [];
  for (const [reason, group] of refused) {
    // By message, so that a message that comes again gives the same payload again.
    for (const [messageId, own] of Map.groupBy(group, (item) => item.messageId)) {
      const payload = JSON.stringify({ version: 1, spans: own.map(({ span }) => span) });
      if (await isSetAside({ reason, payload, source: messageId }, ports, result)) {
        const traceIds = [...new Set(own.map(({ span }) => span.traceId))];
        result.refused += own.length;
        result.remarks.push({ kind: 'refused', messageId, spans: own.length, traceIds, reason });
      } else {
        left.push(...own);
      }
    }
  }
  return left;
}

async function isSetAside(poison: Poison, { setAside }: EmitPorts, result: EmitResult): Promise<boolean> {
  try {
    await setAside.keep(poison);
    return true;
  } catch (error) {
    result.remarks.push({ kind: 'not-set-aside', error: String(error) });
    return false;
  }
}

/** Spans for one request; `refusal`: what the backend said of a larger group that they are of. */
interface Group {
  items: readonly Item[];
  refusal?: string;
}

/** Items by the reason for which nobody takes them. */
type Refused = Map<string, Item[]>;

/** What became of the items so far; those of no list are accepted. */
interface Delivery {
  /** Not tried yet. A stack, so that one message after the other is decided where the requests do not suffice for all. */
  readonly groups: Group[];
  readonly refused: Refused;
  /** Some of each were refused, and there was no more to find out which. */
  readonly undecided: { reason: string; items: readonly Item[] }[];
  /** There was no time. */
  readonly untried: Item[];
  /** Requests that may still be spent on telling refused items from good ones. */
  narrowing: number;
}

interface Delivered {
  refused: Refused;
  /** For the next time. */
  left: Item[];
}

/** Sends until all is said. */
async function deliver(
  items: readonly Item[],
  ports: EmitPorts,
  limits: EmitLimits,
  deadline: number,
  result: EmitResult,
): Promise<Delivered> {
  const delivery = startDelivery(items, limits, ports.now());
  for (let group = delivery.groups.pop(); group !== undefined; group = delivery.groups.pop()) {
    if (result.requests > 0 && ports.now() >= deadline) {
      postpone(delivery, group);
      continue;
    }
    result.requests += 1;
    const outcome = await ports.exportSpans(group.items.map(({ span }) => span));
    switch (outcome.kind) {
      case 'accepted':
        result.exported += group.items.length;
        break;
      case 'partly-accepted':
        noteRejected(result, group.items.length, outcome);
        break;
      case 'refused':
        narrow(delivery, group.items, explainRefusal(outcome));
        break;
      case 'unavailable':
        noteUnavailable(result, outcome);
        return { refused: delivery.refused, left: collectLeft(delivery, group) };
      default:
        outcome satisfies never;
    }
  }
  return concludeDelivery(delivery, items, result);
}

function startDelivery(items: readonly Item[], limits: EmitLimits, now: number): Delivery {
  const refused: Refused = new Map();
  const fitting: Item[] = [];
  for (const item of items) {
    const excess = findExcess(item.span, limits, now);
    if (excess === undefined) fitting.push(item);
    else refuse(refused, `beyond the backend's limits: ${excess}`, [item]);
  }
  const groups: Group[] = packRequests(fitting, limits)
    .map((request) => ({ items: request }))
    .reverse();
  return { groups, refused, undecided: [], untried: [], narrowing: limits.narrowingRequests };
}

function refuse(refused: Refused, reason: string, items: readonly Item[]): void {
  const same = refused.get(reason);
  if (same === undefined) refused.set(reason, [...items]);
  else same.push(...items);
}

function postpone({ undecided, untried }: Delivery, { refusal, items }: Group): void {
  if (refusal === undefined) untried.push(...items);
  else undecided.push({ reason: refusal, items });
}

/** A refused item that is alone is found; others are halved for as long as there are requests for both halves. */
function narrow(delivery: Delivery, items: readonly Item[], reason: string): void {
  if (items.length === 1) {
    refuse(delivery.refused, reason, items);
  } else if (delivery.narrowing < 2) {
    delivery.undecided.push({ reason, items });
  } else {
    delivery.narrowing -= 2;
    const half = findMiddle(items);
    delivery.groups.push(
      { items: items.slice(half), refusal: reason },
      { items: items.slice(0, half), refusal: reason },
    );
  }
}

const explainRefusal = ({ status, message }: ExportOutcome & { kind: 'refused' }): string =>
  `the backend refused it (${status})${message === '' ? '' : `: ${message}`}`;

function noteRejected(
  result: EmitResult,
  spans: number,
  { rejectedSpans, message }: ExportOutcome & { kind: 'partly-accepted' },
): void {
  const rejected = Math.min(rejectedSpans, spans);
  result.exported += spans - rejected;
  result.rejected += rejected;
  result.remarks.push({ kind: 'partly-accepted', spans, rejectedSpans, message });
}

function noteUnavailable(
  result: EmitResult,
  { message, retryAfterMs }: ExportOutcome & { kind: 'unavailable' },
): void {
  result.remarks.push({ kind: 'unavailable', message });
  if (retryAfterMs !== undefined) result.retryAfterMs = retryAfterMs;
}

/** Of a delivery that ends with a group that nobody took. */
function collectLeft({ undecided, untried, groups }: Delivery, last: Group): Item[] {
  return [...undecided, { items: untried }, last, ...groups.toReversed()].flatMap(({ items }) => items);
}

function concludeDelivery(
  { refused, undecided, untried }: Delivery,
  items: readonly Item[],
  result: EmitResult,
): Delivered {
  if (untried.length > 0) result.remarks.push({ kind: 'out-of-time', spans: untried.length });
  if (undecided.length === 0) return { refused, left: untried };
  const waiting = [...undecided.flatMap((group) => group.items), ...untried];
  result.remarks.push({ kind: 'undecided', spans: waiting.length - untried.length });
  // As long as each invocation finishes a message the queue runs dry. Where it finishes none, the search would begin
  // anew for ever: the groups are set aside whole.
  const everyMessageWaits = untried.length === 0 && countMessages(waiting) === countMessages(items);
  if (!everyMessageWaits) return { refused, left: waiting };
  for (const { reason, items: some } of undecided) {
    refuse(refused, `${reason} (some of these spans: there were too many refusals to find out which)`, some);
  }
  return { refused, left: [] };
}

const countMessages = (items: readonly Item[]): number =>
  new Set(items.map(({ messageId }) => messageId)).size;

/** Where to cut in two: between two messages where there are several, so that few messages share a refusal's fate. */
function findMiddle(group: readonly Item[]): number {
  const middle = Math.ceil(group.length / 2);
  for (let distance = 0; distance < middle; distance++) {
    for (const at of [middle - distance, middle + distance]) {
      if (at > 0 && at < group.length && group[at - 1]?.messageId !== group[at]?.messageId) return at;
    }
  }
  return middle;
}
