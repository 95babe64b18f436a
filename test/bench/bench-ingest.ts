/**
 * `npm run bench:ingest`: what ingest takes of one partition key. The handler, its store and its timers on the SDK's own clients, whose calls
 * are answered in this process; each row is a process of its own. CPU time and calls are measured; how long AWS takes for an answer is
 * assumed, and what an invocation sustains follows from both.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createIngest } from '../../functions/correlator/ingest.ts';
import type { KinesisEvent } from '../../functions/correlator/read-records.ts';
import { createDynamoDbStore } from '../../functions/correlator/store-dynamodb.ts';
import { defaultThresholds } from '../../functions/correlator/thresholds.ts';
import { createTimers } from '../../functions/correlator/timers-sqs.ts';
import { memoryOfCpu } from '../../infra/local/simulate/prices.ts';
import { decodeBatch, encodeBatches } from '../../shared/batch-codec.ts';
import type { Observation } from '../../shared/observation.ts';
import { eventsOfRollout, generateRollouts } from './generate-rollouts.ts';
import { createMemoryAws } from './ingest/memory-aws.ts';
import { repeatRecording } from './ingest/repeat-recording.ts';

/** Milliseconds of an answer of DynamoDB or SQS. */
const answer = 5;

/**
 * Events a second, and the seconds of which one invocation has them: the window, or what has piled up. Generated rollouts have two snapshots
 * to three Events; what a real cluster said of one has three to two.
 */
const loads = [
  { rate: 100, window: 5, of: 'generated' },
  { rate: 1_000, window: 1, of: 'generated' },
  { rate: 1_000, window: 5, of: 'generated' },
  { rate: 3_000, window: 1, of: 'generated' },
  { rate: 3_000, window: 5, of: 'generated' },
  { rate: 1_000, window: 5, of: 'recorded' },
  { rate: 3_000, window: 1, of: 'recorded' },
  { rate: 3_000, window: 5, of: 'recorded' },
  { rate: 3_000, window: 30, of: 'recorded' },
] as const;
type Of = (typeof loads)[number]['of'];

interface Figures {
  events: number;
  snapshots: number;
  invocations: number;
  /** Milliseconds. */
  cpu: number;
  rounds: number;
  calls: Record<string, number>;
  peak: number;
}

function compareAll(): void {
  const head = [
    'rollouts',
    'Events/s',
    'window',
    'snapshots/Ev',
    'CPU ms/Ev',
    'calls/Ev',
    'rounds',
    'ms at 512',
    'ms at 1769',
    'Ev/s at 512',
    'Ev/s at 1769',
    'peak MB',
  ];
  console.log(row(head));
  for (const { rate, window, of } of loads) {
    const figures = measureApart(rate, window, of);
    const { events, snapshots, invocations, cpu, rounds, calls, peak } = figures;
    const all = Object.values(calls).reduce((sum, count) => sum + count, 0);
    /** Of an invocation; with a part of a CPU computing takes longer, waiting does not. */
    const took = (memory: number) =>
      (cpu * Math.max(1, memoryOfCpu / memory) + rounds * answer) / invocations;
    const sustained = (memory: number) => (events / invocations / took(memory)) * 1000;
    console.log(
      row([
        of,
        String(rate),
        `${window} s`,
        (snapshots / events).toFixed(2),
        (cpu / events).toFixed(3),
        (all / events).toFixed(3),
        (rounds / invocations).toFixed(1),
        took(0.512).toFixed(0),
        took(memoryOfCpu).toFixed(0),
        sustained(0.512).toFixed(0),
        sustained(memoryOfCpu).toFixed(0),
        peak.toFixed(0),
      ]),
    );
    console.log(
      `  ${Object.entries(calls)
        .map(([name, count]) => `${name} ${(count / invocations).toFixed(1)}`)
        .join(', ')} an invocation`,
    );
  }
}

const row = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(13)).join('');

const measureApart = (rate: number, window: number, of: Of): Figures =>
  JSON.parse(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(rate), String(window), of], {
      encoding: 'utf8',
    }),
  );

/** As the forwarder ships it: a record a second, or at half a megabyte. */
function invocationsOf(story: readonly Observation[], window: number): KinesisEvent[] {
  const seconds = Map.groupBy(story, (observation) => Math.floor(Date.parse(observation.observedAt) / 1000));
  const records = [...seconds].flatMap(([second, observations]) =>
    encodeBatches({ uid: 'bench', name: 'bench' }, observations).records.map((data) => ({ second, data })),
  );
  const first = records[0]!.second;
  const windows = Map.groupBy(records, ({ second }) => Math.floor((second - first) / window));
  let sequence = 1_000;
  return [...windows.values()].map((some) => ({
    Records: some.map(({ second, data }) => {
      sequence += 1;
      const sequenceNumber = String(sequence);
      return {
        eventID: `shardId-000000000000:${sequenceNumber}`,
        kinesis: {
          sequenceNumber,
          data: Buffer.from(data).toString('base64'),
          approximateArrivalTimestamp: second,
        },
      };
    }),
  }));
}

/** Of a function that is warm: the first third is not counted. */
async function measure(rate: number, window: number, of: Of): Promise<Figures> {
  const story = await storyOf(rate, Math.max(15, 6 * window), of);
  const invocations = invocationsOf(story, window);
  const aws = createMemoryAws();
  let now = Date.parse(story[0]!.observedAt);
  const ingest = createIngest(
    {
      store: createDynamoDbStore({ client: aws.dynamodb, tableName: 'State', now: () => now }),
      timers: createTimers(aws.sqs, 'https://local.example/000000000000/timers'),
      setAside: { keep: async ({ reason }) => Promise.reject(new Error(reason)) },
      log: () => {},
      now: () => now,
    },
    defaultThresholds,
    { clusters: [], requireSignatures: false, clusterRate: { burst: 1e9, perSecond: 1e9 } },
  );
  const run = async (some: readonly KinesisEvent[]) => {
    for (const event of some) {
      now += window * 1000;
      await ingest(event);
    }
  };
  const warm = Math.ceil(invocations.length / 3);
  // What comes last is the end of what began before.
  const measured = invocations.slice(warm, -1);
  await run(invocations.slice(0, warm));
  const before = { rounds: aws.figures.rounds, answering: aws.figures.answering };
  aws.figures.calls.clear();
  const begun = process.cpuUsage();
  await run(measured);
  const { user, system } = process.cpuUsage(begun);
  return {
    ...count(measured),
    invocations: measured.length,
    cpu: (user + system - (aws.figures.answering - before.answering)) / 1000,
    rounds: aws.figures.rounds - before.rounds,
    calls: Object.fromEntries(aws.figures.calls),
    peak: process.resourceUsage().maxRSS / 1024,
  };
}

async function storyOf(rate: number, seconds: number, of: Of): Promise<Observation[]> {
  if (of === 'generated')
    return generateRollouts({
      events: rate * seconds,
      rate: rate / eventsOfRollout,
      arrival: 'in order',
      withStatus: true,
    });
  // What one copy of it says comes over a minute: of the first minute there is less.
  const file = 'deployment-image-update.jsonl';
  const all = await repeatRecording({ file, name: 'web', events: rate * (seconds + 70), rate });
  const from = Date.parse(all[0]!.observedAt) + 60_000;
  return all.filter(({ observedAt }) => {
    const at = Date.parse(observedAt) - from;
    return at >= 0 && at < seconds * 1000;
  });
}

function count(events: readonly KinesisEvent[]): Pick<Figures, 'events' | 'snapshots'> {
  const all = events
    .flatMap(({ Records }) => Records)
    .flatMap(({ kinesis }) => decodeBatch(Buffer.from(kinesis.data, 'base64')).observations);
  const own = all.filter(({ type }) => type === 'event').length;
  return { events: own, snapshots: all.length - own };
}

const [rate, window, of] = process.argv.slice(2);
if (rate === undefined) compareAll();
else console.log(JSON.stringify(await measure(Number(rate), Number(window), of as Of)));
