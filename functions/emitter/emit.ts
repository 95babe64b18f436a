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
  const failed = new Set<string>();
  const setAside = async (poison: Poison): Promise<boolean> => {
    try {
      await ports.setAside.keep(poison);
      return true;
    } catch (error) {
      result.remarks.push({ kind: 'not-set-aside', error: String(error) });
      return false;
    }
  };

  const items: Item[] = [];
  for (const { messageId, body } of messages) {
    const batch = decodeSpanBatch(body);
    if (batch.ok) {
      for (const span of batch.value.spans) items.push({ span, messageId });
    } else {
      result.remarks.push({ kind: 'unreadable-message', messageId, reason: batch.reason });
      const poison = { reason: `the message ${batch.reason}`, payload: body, source: messageId };
      if (!(await setAside(poison))) failed.add(messageId);
    }
  }

  const { refused, left } = await deliver(items, ports, limits, deadline, result);
  for (const [reason, group] of refused) {
    // By message, so that a message that comes again gives the same payload again.
    for (const [messageId, own] of Map.groupBy(group, (item) => item.messageId)) {
      const payload = JSON.stringify({ version: 1, spans: own.map(({ span }) => span) });
      if (await setAside({ reason, payload, source: messageId })) {
        const traceIds = [...new Set(own.map(({ span }) => span.traceId))];
        result.refused += own.length;
        result.remarks.push({ kind: 'refused', messageId, spans: own.length, traceIds, reason });
      } else {
        left.push(...own);
      }
    }
  }
  result.kept = left.length;
  for (const { messageId } of left) failed.add(messageId);
  result.batchItemFailures = [...failed].map((itemIdentifier) => ({ itemIdentifier }));
  return result;
}

/** Spans for one request; `refusal`: what the backend said of a larger group that they are of. */
interface Group {
  items: readonly Item[];
  refusal?: string;
}

/** Sends until all is said: refused items by reason, and what is left for the next time. */
async function deliver(
  items: readonly Item[],
  ports: EmitPorts,
  limits: EmitLimits,
  deadline: number,
  result: EmitResult,
): Promise<{ refused: Map<string, Item[]>; left: Item[] }> {
  const refused = new Map<string, Item[]>();
  const refuse = (reason: string, some: readonly Item[]) => {
    const same = refused.get(reason);
    if (same === undefined) refused.set(reason, [...some]);
    else same.push(...some);
  };
  const now = ports.now();
  const fitting: Item[] = [];
  for (const item of items) {
    const excess = findExcess(item.span, limits, now);
    if (excess === undefined) fitting.push(item);
    else refuse(`beyond the backend's limits: ${excess}`, [item]);
  }

  const undecided: { reason: string; items: readonly Item[] }[] = [];
  const undecidedItems = () => undecided.flatMap((group) => group.items);
  const untried: Item[] = [];
  let narrowing = limits.narrowingRequests;
  // A stack, so that one message after the other is decided where the requests do not suffice for all.
  const groups: Group[] = packRequests(fitting, limits)
    .map((request) => ({ items: request }))
    .reverse();
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    if (result.requests > 0 && ports.now() >= deadline) {
      if (group.refusal === undefined) untried.push(...group.items);
      else undecided.push({ reason: group.refusal, items: group.items });
      continue;
    }
    result.requests += 1;
    const outcome = await ports.exportSpans(group.items.map(({ span }) => span));
    const count = group.items.length;
    switch (outcome.kind) {
      case 'accepted':
        result.exported += count;
        break;
      case 'partly-accepted': {
        const rejected = Math.min(outcome.rejectedSpans, count);
        result.exported += count - rejected;
        result.rejected += rejected;
        result.remarks.push({
          kind: 'partly-accepted',
          spans: count,
          rejectedSpans: outcome.rejectedSpans,
          message: outcome.message,
        });
        break;
      }
      case 'refused': {
        const reason = `the backend refused it (${outcome.status})${outcome.message === '' ? '' : `: ${outcome.message}`}`;
        if (count === 1) {
          refuse(reason, group.items);
        } else if (narrowing < 2) {
          undecided.push({ reason, items: group.items });
        } else {
          narrowing -= 2;
          const half = findMiddle(group.items);
          groups.push(
            { items: group.items.slice(half), refusal: reason },
            { items: group.items.slice(0, half), refusal: reason },
          );
        }
        break;
      }
      case 'unavailable': {
        result.remarks.push({ kind: 'unavailable', message: outcome.message });
        if (outcome.retryAfterMs !== undefined) result.retryAfterMs = outcome.retryAfterMs;
        const unsent = [group, ...groups.reverse()].flatMap((some) => some.items);
        return { refused, left: [...undecidedItems(), ...unsent] };
      }
      default:
        outcome satisfies never;
    }
  }

  if (untried.length > 0) result.remarks.push({ kind: 'out-of-time', spans: untried.length });
  if (undecided.length === 0) return { refused, left: untried };
  const waiting = [...undecidedItems(), ...untried];
  result.remarks.push({ kind: 'undecided', spans: waiting.length - untried.length });
  // As long as each invocation finishes a message the queue runs dry. Where it finishes none, the search would begin
  // anew for ever: the groups are set aside whole.
  const everyMessageWaits =
    untried.length === 0 &&
    new Set(waiting.map(({ messageId }) => messageId)).size ===
      new Set(items.map(({ messageId }) => messageId)).size;
  if (!everyMessageWaits) return { refused, left: waiting };
  for (const { reason, items: some } of undecided) {
    refuse(`${reason} (some of these spans: there were too many refusals to find out which)`, some);
  }
  return { refused, left: [] };
}

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
