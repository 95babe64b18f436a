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

/** What of Lambda's SQSEvent is read. */
export interface SpansQueueEvent {
  Records: readonly { messageId: string; body: string }[];
}

export interface EmitPorts {
  exportSpans(spans: readonly Span[]): Promise<ExportOutcome>;
  setAside: SetAside;
}

export interface EmitLimits {
  /** Of OTLP JSON before compression, by estimate. */
  requestBytes: number;
  requestSpans: number;
  /** How many requests an invocation may spend on telling refused spans from good ones. */
  narrowingRequests: number;
}

/**
 * 4 MB is the least of the limits in use (gRPC's default, which gateways in front of a collector keep). 500 requests
 * find some 25 refused spans among 5,000 and take a minute or so, which has to be within the Lambda's time-out. Where
 * there are more, what is undecided waits in the queue for the next invocation.
 */
const LIMITS: EmitLimits = { requestBytes: 4_000_000, requestSpans: 5000, narrowingRequests: 500 };

/** Every span that was read is in one of exported, rejected, refused and kept. */
export interface EmitResult {
  /** As SQS's ReportBatchItemFailures wants it; Lambda ignores the other fields, which are for metrics and the log. */
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
  | { kind: 'refused'; spans: number; reason: string }
  | { kind: 'unavailable'; message: string }
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
 * The emitter as a handler of SQS events, for whatever runs it. Build once, run for each event. It rejects only for a
 * defect (all messages then come again), never for what a message or the backend says.
 */
export function createEmitter(
  ports: EmitPorts,
  limits: EmitLimits = LIMITS,
): (event: SpansQueueEvent) => Promise<EmitResult> {
  return (event) => emit(event, ports, limits);
}

async function emit({ Records }: SpansQueueEvent, ports: EmitPorts, limits: EmitLimits): Promise<EmitResult> {
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
  for (const { messageId, body } of Records) {
    const batch = decodeSpanBatch(body);
    if (batch.ok) {
      for (const span of batch.value.spans) items.push({ span, messageId });
    } else {
      result.remarks.push({ kind: 'unreadable-message', messageId, reason: batch.reason });
      const poison = { reason: `the message ${batch.reason}`, payload: body, source: messageId };
      if (!(await setAside(poison))) failed.add(messageId);
    }
  }

  const { refused, left } = await deliver(items, ports, limits, result);
  for (const [reason, group] of refused) {
    const payload = JSON.stringify({ version: 1, spans: group.map(({ span }) => span) });
    const messageIds = new Set(group.map(({ messageId }) => messageId));
    if (await setAside({ reason, payload, source: [...messageIds].join(' ') })) {
      result.refused += group.length;
      result.remarks.push({ kind: 'refused', spans: group.length, reason });
    } else {
      left.push(...group);
    }
  }
  result.kept = left.length;
  for (const { messageId } of left) failed.add(messageId);
  result.batchItemFailures = [...failed].map((itemIdentifier) => ({ itemIdentifier }));
  return result;
}

/** Sends until all is said: refused items by reason, and what is left for the next time. */
async function deliver(
  items: readonly Item[],
  ports: EmitPorts,
  limits: EmitLimits,
  result: EmitResult,
): Promise<{ refused: Map<string, Item[]>; left: Item[] }> {
  const refused = new Map<string, Item[]>();
  const refuse = (reason: string, group: Item[]) => {
    const same = refused.get(reason);
    if (same === undefined) refused.set(reason, [...group]);
    else same.push(...group);
  };
  const undecided: { reason: string; group: Item[] }[] = [];
  const undecidedItems = () => undecided.flatMap(({ group }) => group);
  let narrowing = limits.narrowingRequests;
  // A stack, so that one message after the other is decided where the requests do not suffice for all.
  const groups = packRequests(items, limits).reverse();
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    result.requests += 1;
    const outcome = await ports.exportSpans(group.map(({ span }) => span));
    switch (outcome.kind) {
      case 'accepted':
        result.exported += group.length;
        break;
      case 'partly-accepted': {
        const rejected = Math.min(outcome.rejectedSpans, group.length);
        result.exported += group.length - rejected;
        result.rejected += rejected;
        result.remarks.push({
          kind: 'partly-accepted',
          spans: group.length,
          rejectedSpans: outcome.rejectedSpans,
          message: outcome.message,
        });
        break;
      }
      case 'refused': {
        const reason = `the backend refused it (${outcome.status})${outcome.message === '' ? '' : `: ${outcome.message}`}`;
        if (group.length === 1) {
          refuse(reason, group);
        } else if (narrowing < 2) {
          undecided.push({ reason, group });
        } else {
          narrowing -= 2;
          const half = findMiddle(group);
          groups.push(group.slice(half), group.slice(0, half));
        }
        break;
      }
      case 'unavailable':
        result.remarks.push({ kind: 'unavailable', message: outcome.message });
        if (outcome.retryAfterMs !== undefined) result.retryAfterMs = outcome.retryAfterMs;
        return { refused, left: [...undecidedItems(), ...group, ...groups.reverse().flat()] };
      default:
        outcome satisfies never;
    }
  }

  if (undecided.length === 0) return { refused, left: [] };
  const waiting = undecidedItems();
  result.remarks.push({ kind: 'undecided', spans: waiting.length });
  // As long as each invocation finishes a message the queue runs dry. Where it finishes none, the search would begin
  // anew for ever: the groups are set aside whole.
  const everyMessageWaits =
    new Set(waiting.map(({ messageId }) => messageId)).size ===
    new Set(items.map(({ messageId }) => messageId)).size;
  if (!everyMessageWaits) return { refused, left: waiting };
  for (const { reason, group } of undecided) {
    refuse(`${reason} (some of these spans: there were too many refusals to find out which)`, group);
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

function packRequests(items: readonly Item[], limits: EmitLimits): Item[][] {
  const requests: Item[][] = [];
  let request: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = estimateOtlpBytes(item.span);
    if (
      request.length > 0 &&
      (request.length === limits.requestSpans || bytes + more > limits.requestBytes)
    ) {
      requests.push(request);
      request = [];
      bytes = 0;
    }
    request.push(item);
    bytes += more;
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

/**
 * What a span takes in OTLP JSON, without serializing it twice. Within a few per cent: escapes are not counted, nor
 * resources, which spans share. Where that is too little, the backend's 413 halves the request.
 */
function estimateOtlpBytes(span: Span): number {
  let bytes = 420 + Buffer.byteLength(span.name) + Buffer.byteLength(span.status.message ?? '');
  bytes += span.links.length * 130;
  for (const [key, value] of Object.entries(span.attributes)) {
    bytes += 40 + Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 8);
  }
  return bytes;
}
