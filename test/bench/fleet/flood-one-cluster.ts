/**
 * One cluster of many Events a second over its partition keys: how far behind the stream is read. What the forwarder ships is real, and so
 * are the stream's shards and windows; an invocation of ingest takes what bench:ingest measured, since minutes of the real one are hours.
 */
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import type { StreamRecord } from '../../../functions/forwarder/record-sink.ts';
import { openAccount } from '../../../infra/local/simulate/account.ts';
import { noFaults } from '../../../infra/local/simulate/faults.ts';
import { createFunction, type Instance, type World } from '../../../infra/local/simulate/function.ts';
import { computing } from '../../../infra/local/simulate/prices.ts';
import { eventSource, timeouts } from '../../../infra/local/simulate/run-pipeline.ts';
import { shipObservations } from '../../../infra/local/simulate/ship-observations.ts';
import { createStream, type StreamRead } from '../../../infra/local/simulate/stream.ts';
import { createVirtualTime } from '../../../infra/local/simulate/virtual-time.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import { repeatRecording } from '../ingest/repeat-recording.ts';
import { start } from '../workloads/observe-cluster.ts';

/** Of bench:ingest, recorded rollouts at 3,000 Events a second: milliseconds of a whole CPU for an Event, and waits for AWS of an invocation. */
const measured = { cpu: 0.17, rounds: 3, roundsOfThousand: 9.5 };

export interface OneCluster {
  eventsPerSecond: number;
  minutes: number;
  /** Partition keys, and as many shards. */
  keys: number;
  memoryGB: number;
}

export interface OneClusterFigures {
  /** Bytes a second of the fullest shard. */
  bytesPerShard: number;
  /** Of an invocation: Events at most, and milliseconds. */
  events: number;
  milliseconds: number;
  failed: number;
  /** Seconds that the oldest record of an invocation had waited: at most in the first half, at most at all. */
  firstHalf: number;
  most: number;
  /** Seconds from the last record until all are filed. */
  over: number;
}

const second = 1000;
/** Seconds of the story that is shipped time and again. */
const told = 10;

const createWorld = (): World => ({
  time: createVirtualTime(start),
  faults: noFaults,
  account: openAccount(),
  tell() {},
});

export async function floodOneCluster(settings: OneCluster): Promise<OneClusterFigures> {
  const { minutes, keys, memoryGB } = settings;
  const world = createWorld();
  const stream = createStream(world, { shards: keys, ...eventSource });
  const { shipped, eventsIn } = await shipStory(settings);
  const last = start + minutes * 60 * second;
  for (let from = 0; from < minutes * 60; from += told)
    for (const { at, records } of shipped)
      world.time.at(start + from * second + at, () => stream.put(records));
  let [most, over] = [0, last];
  const eventsOf = ({ Records }: KinesisEvent) =>
    Records.reduce((sum, { kinesis }) => sum + eventsIn.get(kinesis.data)!, 0);
  const invoke = createFunction<KinesisEvent>(world, {
    name: 'ingest',
    timeout: timeouts.ingest,
    memoryGB,
    computing: (event) => computing.invocation + measured.cpu * eventsOf(event),
    start: (instance) => async (event) => {
      most = Math.max(most, eventsOf(event));
      await waitFor(instance, measured.rounds + (measured.roundsOfThousand * eventsOf(event)) / 1000);
      return { batchItemFailures: [] };
    },
  });
  stream.consume(
    async (event) => {
      const invocation = await invoke(event);
      over = world.time.now();
      return invocation;
    },
    async () => {},
  );
  await world.time.run(Number.POSITIVE_INFINITY);
  const { milliseconds, invocations, failed } = world.account.functions.ingest;
  const half = stream.reads.filter(({ at }) => at < (start + last) / 2);
  return {
    bytesPerShard: world.account.services.stream.bytes / keys / (minutes * 60),
    events: most,
    milliseconds: milliseconds / invocations,
    failed,
    firstHalf: mostAge(half),
    most: mostAge(stream.reads),
    over: (over - last) / second,
  };
}

const mostAge = (reads: readonly StreamRead[]): number =>
  reads.reduce((most, { at, oldest }) => Math.max(most, at - oldest), 0) / second;

async function waitFor(instance: Instance, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    await instance.call({ service: 'table', name: 'round', refusal: () => new Error() }, () => {});
}

/** What the forwarder ships of the story's seconds, and how many Events are in each record, by its base64. */
async function shipStory({ eventsPerSecond, keys }: OneCluster) {
  const world = createWorld();
  const shipped: { at: number; records: readonly StreamRecord[] }[] = [];
  const observations = await repeatRecording({ rate: eventsPerSecond, seconds: told });
  const note = {
    put: (records: readonly StreamRecord[]) => void shipped.push({ at: world.time.now() - start, records }),
  };
  world.time.watch(
    shipObservations(
      world,
      { cluster: { uid: 'large' }, observations },
      { ...note, consume() {}, reads: [] },
      keys,
    ),
  );
  await world.time.run(Number.POSITIVE_INFINITY);
  const all = shipped.flatMap(({ records }) => records);
  const eventsIn = new Map(
    all.map(({ data }) => [
      Buffer.from(data).toString('base64'),
      decodeBatch(data).observations.filter(({ type }) => type === 'event').length,
    ]),
  );
  return { shipped, eventsIn };
}
