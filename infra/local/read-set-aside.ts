/**
 * From an object of the set-aside bucket to what brings it back into the pipeline: records for the stream, messages for
 * a queue. Whoever cannot read it again sets it aside again, in one piece a record: a replay never makes more of it, and never
 * holds the stream back.
 */
import * as v from 'valibot';
import type { StreamRecord } from '../../functions/forwarder/record-sink.ts';
import { decodeBatch, packPoison, withoutMark } from '../../shared/batch-codec.ts';
import { boundCluster } from '../../shared/bounds.ts';
import { PoisonError } from '../../shared/errors.ts';
import { ClusterSchema, type Parsed, parseWith } from '../../shared/observation.ts';
import type { Sign } from '../../shared/sign-batches.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../shared/span-batch-codec.ts';

export type ReplayedQueue = 'timers' | 'spans';

export interface Replayable {
  records: StreamRecord[];
  messages: { queue: ReplayedQueue; body: string }[];
}

const PoisonSchema = v.object({ payload: v.string() });

/**
 * Of what Lambda writes where it gives up a batch of the stream, under
 * `aws/lambda/<event source mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`:
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html. `payload` is the function's event, as
 * text.
 */
const InvocationRecordSchema = v.object({ payload: v.union([v.string(), v.looseObject({})]) });
const StreamEventSchema = v.object({
  Records: v.array(v.object({ kinesis: v.object({ partitionKey: v.string(), data: v.string() }) })),
});

/** @param sign of somebody whom the stack takes for the cluster: parts of what was signed are not signed any more */
export function readSetAside(key: string, body: string, sign?: Sign): Parsed<Replayable> {
  const input = parseJson(body);
  if (key.startsWith('aws/lambda/')) return readInvocationRecord(input);
  const poison = parseWith(PoisonSchema, input);
  if (!poison.ok) return poison;
  const { payload } = poison.value;
  switch (key.split('/')[1]) {
    case 'ingest':
      return { ok: true, value: { records: toRecords(payload, sign), messages: [] } };
    case 'settle':
      return { ok: true, value: { records: [], messages: [{ queue: 'timers', body: payload }] } };
    case 'emit':
      return { ok: true, value: { records: [], messages: toMessages(payload) } };
    default:
      return { ok: false, reason: 'is of no function of the pipeline' };
  }
}

function readInvocationRecord(input: unknown): Parsed<Replayable> {
  const record = parseWith(InvocationRecordSchema, input);
  if (!record.ok) return record;
  const { payload } = record.value;
  const event = parseWith(StreamEventSchema, typeof payload === 'string' ? parseJson(payload) : payload);
  if (!event.ok) return { ok: false, reason: `payload: ${event.reason}` };
  const records = event.value.Records.map(({ kinesis }) => ({
    data: withoutMark(Buffer.from(kinesis.data, 'base64')),
    partitionKey: kinesis.partitionKey,
  }));
  return { ok: true, value: { records, messages: [] } };
}

/** The lines of a batch under its header, or records as they came, each in base64 (which never has a brace). */
function toRecords(payload: string, sign: Sign | undefined): StreamRecord[] {
  if (!payload.startsWith('{')) return payload.split('\n').map(asItCame);
  const header = parseWith(
    v.object({ cluster: ClusterSchema }),
    parseJson(payload.slice(0, payload.indexOf('\n'))),
  );
  const { uid: partitionKey = 'unknown' } = header.ok ? boundCluster(header.value.cluster) : {};
  return packPoison(payload, sign).map((data) => ({ data, partitionKey }));
}

/** By the partition key of its cluster where it is a batch: what is of one cluster goes to where the rest of it is. */
function asItCame(base64: string): StreamRecord {
  const data = withoutMark(Buffer.from(base64, 'base64'));
  return { data, partitionKey: clusterOf(data) ?? 'unknown' };
}

function clusterOf(data: Uint8Array): string | undefined {
  try {
    return decodeBatch(data).cluster.uid;
  } catch (error) {
    if (error instanceof PoisonError) return undefined;
    throw error;
  }
}

/** Refused spans may be more than one message holds. */
function toMessages(payload: string): Replayable['messages'] {
  const batch = decodeSpanBatch(payload);
  const bodies = batch.ok ? encodeSpanBatches(batch.value.spans) : [payload];
  return bodies.map((body) => ({ queue: 'spans', body }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
