/** Records of the stream, parsed. What cannot be read is set aside and holds nothing back. */
import { type DecodedBatch, decodeBatch, reasonOf } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import type { DoubtSender } from './doubt-sender.ts';
import { clusterKey } from './file-observations.ts';
import { refuseTooOld } from './horizon.ts';
import { streamBatchName } from './items.ts';
import type { IngestPorts } from './ports.ts';
import type { Demand, OpenShares, Shares } from './share-stream.ts';
import { poisonWeight } from './thresholds.ts';

/** What Lambda hands over, as far as it is read. */
export interface KinesisEvent {
  Records: {
    /** shardId:sequenceNumber */
    eventID: string;
    kinesis: {
      sequenceNumber: string;
      /** base64 */
      data: string;
      /** Seconds since 1970, as the stream took it. */
      approximateArrivalTimestamp?: number;
    };
  }[];
}

export interface StreamRecord extends DecodedBatch {
  /** shardId:sequenceNumber */
  source: string;
  /** When the stream took it, in milliseconds since 1970. */
  arrivedAt: number;
}

/** What one invocation reads of one shard. */
export interface StreamBatch {
  name: string;
  records: readonly StreamRecord[];
}

/** Up to one that could not be set aside: it comes again, with what follows. */
export interface ReadRecords {
  records: StreamRecord[];
  /** Its sequence number. */
  failed: string | undefined;
  /** What they took of the shares of their clusters: kept once they are filed. */
  shares: Pick<Shares, 'keep'>;
}

export interface ReadingSettings {
  /** Seconds. */
  horizon: number;
  doubt: DoubtSender;
  openShares: OpenShares;
}

type ReadingPorts = Pick<IngestPorts, 'setAside' | 'log' | 'now'>;

/** Rejects where what is held cannot be kept, or the store is away: then nothing was filed, and the batch comes again. */
export async function readRecords(
  { Records }: KinesisEvent,
  ports: ReadingPorts,
  { horizon, doubt, openShares }: ReadingSettings,
): Promise<ReadRecords> {
  const { setAside, log, now } = ports;
  const refuse = refuseTooOld(now(), horizon);
  const decoded = Records.map((record) => decodeRecord(record, { refuse, doubt, now }));
  const shares = await openShares(decoded.map(({ demand }) => demand));
  const read: ReadRecords = { records: [], failed: undefined, shares };
  const held = new Map<string, Held>();
  for (const { source, sequenceNumber, data, batch, demand } of decoded) {
    if (!shares.isWithin(demand)) {
      hold(held, demand.cluster, { source, data, observations: batch.observations.length });
      continue;
    }
    try {
      if (batch.poison !== undefined) {
        const reason = reasonOf(batch.poison);
        await setAside.keep({ reason, payload: batch.poison.payload, source });
        log({ kind: 'set-aside', source, reason });
      }
    } catch (error) {
      log({ kind: 'not-set-aside', source, error });
      read.failed = sequenceNumber;
      break;
    }
    read.records.push({ ...batch, source, arrivedAt: demand.at });
  }
  await keepHeld(held, ports);
  return read;
}

interface Decoded {
  source: string;
  sequenceNumber: string;
  /** As it came, in base64. */
  data: string;
  batch: DecodedBatch;
  demand: Demand;
}

function decodeRecord(
  { eventID: source, kinesis }: KinesisEvent['Records'][number],
  { refuse, doubt, now }: Decoding,
): Decoded {
  const { data, approximateArrivalTimestamp: arrived, sequenceNumber } = kinesis;
  const batch = decode(data, refuse, doubt);
  const demand = {
    shard: shardOf(source),
    cluster: clusterKey(batch.cluster),
    takes: batch.observations.length + (batch.poison === undefined ? 0 : poisonWeight),
    at: arrived === undefined ? now() : arrived * 1000,
  };
  return { source, sequenceNumber, data, batch, demand };
}

interface Decoding {
  refuse: ReturnType<typeof refuseTooOld>;
  doubt: DoubtSender;
  now(): number;
}

const shardOf = (source: string): string => source.split(':', 1)[0]!;

/** Records of one cluster, as they came. */
interface Held {
  /** Of the first. */
  source: string;
  records: string[];
  observations: number;
}

function hold(
  held: Map<string, Held>,
  cluster: string,
  { source, data, observations }: { source: string; data: string; observations: number },
): void {
  const own = held.get(cluster) ?? { source, records: [], observations: 0 };
  held.set(cluster, own);
  own.records.push(data);
  own.observations += observations;
}

/** One object for all of an invocation: a flood of small records would else be billed as so many requests. */
async function keepHeld(held: ReadonlyMap<string, Held>, { setAside, log }: ReadingPorts): Promise<void> {
  for (const [cluster, { source, records, observations }] of held) {
    const reason = 'beyond the share of its cluster';
    await setAside.keep({ reason, payload: records.join('\n'), source });
    log({ kind: 'held', source, cluster, records: records.length, observations });
  }
}

const nothing: { cluster: Cluster; observations: Observation[] } = { cluster: {}, observations: [] };

function decode(data: string, refuse: Decoding['refuse'], doubt: DoubtSender): DecodedBatch {
  try {
    return decodeBatch(Buffer.from(data, 'base64'), refuse, doubt);
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
    return { ...nothing, poison: { count: 1, reasons: [error.message], payload: data } };
  }
}

/** By shard, in the order of their records. */
export function toStreamBatches(records: readonly StreamRecord[]): StreamBatch[] {
  const shards = Map.groupBy(records, ({ source }) => shardOf(source));
  return [...shards].map(([shard, own]) => {
    const [first, last] = [own[0]!, own.at(-1)!].map(({ source }) => source.slice(shard.length + 1));
    return { name: streamBatchName(shard, first!, last!), records: own };
  });
}
