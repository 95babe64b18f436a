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
import { encodeBatches } from '../../shared/batch-codec.ts';
import type { Observation } from '../../shared/observation.ts';
import { generateRollouts } from './generate-rollouts.ts';
import { createMemoryAws } from './ingest/memory-aws.ts';

/** Milliseconds of an answer of DynamoDB or SQS. */
const answer = 5;

/** Events a second, and the seconds of which one invocation has them: the window, or what has piled up. */
const loads = [
  { rate: 100, window: 5 },
  { rate: 1_000, window: 1 },
  { rate: 1_000, window: 5 },
  { rate: 3_000, window: 1 },
  { rate: 3_000, window: 5 },
] as const;

interface Figures {
  events: number;
  invocations: number;
  /** Milliseconds. */
  cpu: number;
  rounds: number;
  calls: Record<string, number>;
  peak: number;
}

function compareAll(): void {
  const head = [
    'Events/s',
    'window',
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
  for (const { rate, window } of loads) {
    const figures = measureApart(rate, window);
    const { events, invocations, cpu, rounds, calls, peak } = figures;
    const all = Object.values(calls).reduce((sum, count) => sum + count, 0);
    /** Of an invocation; with a part of a CPU computing takes longer, waiting does not. */
    const took = (memory: number) =>
      (cpu * Math.max(1, memoryOfCpu / memory) + rounds * answer) / invocations;
    const sustained = (memory: number) => (events / invocations / took(memory)) * 1000;
    console.log(
      row([
        String(rate),
        `${window} s`,
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

const measureApart = (rate: number, window: number): Figures =>
  JSON.parse(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(rate), String(window)], {
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
async function measure(rate: number, window: number): Promise<Figures> {
  const eventsOfRollout = 19;
  const seconds = Math.max(15, 6 * window);
  const story = generateRollouts({
    events: rate * seconds,
    rate: rate / eventsOfRollout,
    arrival: 'in order',
    withStatus: true,
  });
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
    events: rate * window * measured.length,
    invocations: measured.length,
    cpu: (user + system - (aws.figures.answering - before.answering)) / 1000,
    rounds: aws.figures.rounds - before.rounds,
    calls: Object.fromEntries(aws.figures.calls),
    peak: process.resourceUsage().maxRSS / 1024,
  };
}

const [rate, window] = process.argv.slice(2).map(Number);
if (rate === undefined) compareAll();
else console.log(JSON.stringify(await measure(rate, window!)));
