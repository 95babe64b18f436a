/** Everything that is stored or under way at one moment (test/fixtures/version-before/README.md), and today's functions going on from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Timer } from '../../../functions/correlator/ports.ts';
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import type { Item } from '../../../functions/correlator/store.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { decodeSpanBatch } from '../../../shared/span-batch-codec.ts';
import { startLive } from './arrivals.ts';
import { type Pipeline, record } from './pipeline.ts';

export interface StoredState {
  /** Milliseconds since 1970. */
  now: number;
  items: Item[];
  timers: Timer[];
  /** Sent until then. */
  sent: Span[];
  /** What comes later, each at its time. */
  later: { at: number; event: KinesisEvent }[];
  /** All of the story. */
  observations: Observation[];
}

interface Fixture {
  now: number;
  ingested: string[];
  records: { at: number; eventID: string; sequenceNumber: string; data: string }[];
  items: (Omit<Item, 'body'> & { body?: string })[];
  timers: string[];
  spansQueue: string[];
}

const fixtures = join(import.meta.dirname, '../../fixtures');

export const readFixture = (path: string): unknown =>
  JSON.parse(readFileSync(join(fixtures, `${path}.json`), 'utf8'));

const observationsIn = (data: string): Observation[] => {
  const { observations, poison } = decodeBatch(Buffer.from(data, 'base64'));
  if (poison !== undefined) throw new Error(poison.reasons.join());
  return observations;
};

export function spansIn(body: string): Span[] {
  const batch = decodeSpanBatch(body);
  if (!batch.ok) throw new Error(batch.reason);
  return batch.value.spans;
}

export function readState(path: string): StoredState {
  const { now, ingested, records, items, timers, spansQueue } = readFixture(path) as Fixture;
  return {
    now,
    items: items.map(({ body, ...item }) => ({
      ...item,
      ...(body !== undefined && { body: Buffer.from(body, 'base64') }),
    })),
    timers: timers.map((body) => JSON.parse(body) as Timer),
    sent: spansQueue.flatMap(spansIn),
    later: records.map(({ at, eventID, sequenceNumber, data }) => {
      const shard = Number(eventID.split(':')[0]!.slice(-1));
      return { at, event: { Records: [record(sequenceNumber, Buffer.from(data, 'base64'), shard)] } };
    }),
    observations: [...ingested, ...records.map(({ data }) => data)].flatMap(observationsIn),
  };
}

/** Today's functions on what was stored, until nothing is under way any more. */
export async function goOn({ now, items, timers, later }: StoredState): Promise<Pipeline> {
  const pipeline = startLive({ start: now });
  await pipeline.store.put(items);
  pipeline.timers.push(...timers);
  for (const { at, event } of later) {
    await pipeline.runTimers(at);
    pipeline.now = Math.max(pipeline.now, at);
    await pipeline.ingest(event);
  }
  await pipeline.runTimers();
  return pipeline;
}
