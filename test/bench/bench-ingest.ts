/**
 * `npm run bench:ingest`: what ingest takes of one partition key. The handler, its store and its timers on the SDK's own clients, whose calls
 * are answered in this process; each row is a process of its own. CPU time and calls are measured; how long AWS takes for an answer is
 * assumed, and what an invocation sustains follows from both.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createIngest } from '../../functions/correlator/ingest.ts';
import type { KinesisEvent } from '../../functions/correlator/read-records.ts';
import { createDynamoDbStore } from '../../functions/correlator/store-dynamodb.ts';
import { defaultThresholds } from '../../functions/correlator/thresholds.ts';
import { createTimers } from '../../functions/correlator/timers-sqs.ts';
import { memoryOfCpu } from '../../infra/local/simulate/prices.ts';
import { eventSource } from '../../infra/local/simulate/run-pipeline.ts';
import { decodeBatch, encodeBatches } from '../../shared/batch-codec.ts';
import { inGroups } from '../../shared/in-groups.ts';
import type { Observation } from '../../shared/observation.ts';
import { eventsOfRollout, generateRollouts } from './generate-rollouts.ts';
import { createMemoryAws } from './ingest/memory-aws.ts';
import { repeatRecording } from './ingest/repeat-recording.ts';

/** Milliseconds of an answer of DynamoDB or SQS. */
const answer = 5;

/**
 * Events a second, and the seconds of which one invocation has them: the window, or as many as it takes, where they have piled up. Generated
 * rollouts have two snapshots to three Events; what a real cluster said of one has three to two.
 */
const loads = [
  { rate: 100, window: 5, seconds: 30, of: 'generated' },
  { rate: 1_000, window: 1, seconds: 15, of: 'generated' },
  { rate: 1_000, window: 5, seconds: 30, of: 'generated' },
  { rate: 3_000, window: 1, seconds: 15, of: 'generated' },
  { rate: 3_000, window: 5, seconds: 30, of: 'generated' },
  { rate: 1_000, window: 5, seconds: 30, of: 'recorded' },
  { rate: 3_000, window: 1, seconds: 15, of: 'recorded' },
  { rate: 3_000, window: 5, seconds: 30, of: 'recorded' },
  { rate: 3_000, window: 60, seconds: 60, of: 'recorded' },
] as const;
type Load = (typeof loads)[number];

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
  for (const load of loads) {
    const { rate, window, of } = load;
    const figures = measureApart(load);
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

/** The invocations are made by another process than the one that is measured, and whose memory is. */
function measureApart(load: Load): Figures {
  const folder = mkdtempSync(join(tmpdir(), 'rootspan-bench-'));
  const run = (task: string) =>
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), task, folder, JSON.stringify(load)], {
      encoding: 'utf8',
    });
  try {
    run('make');
    return JSON.parse(run('measure'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As the forwarder ships it, a record a second, or at half a megabyte; and as the event source hands it over, a hundred at most. */
function invocationsOf(story: readonly Observation[], window: number): KinesisEvent[] {
  const seconds = Map.groupBy(story, (observation) => Math.floor(Date.parse(observation.observedAt) / 1000));
  const records = [...seconds].flatMap(([second, observations]) =>
    encodeBatches({ uid: 'bench', name: 'bench' }, observations).records.map((data) => ({ second, data })),
  );
  const first = records[0]!.second;
  const windows = Map.groupBy(records, ({ second }) => Math.floor((second - first) / window));
  let sequence = 1_000;
  return [...windows.values()]
    .flatMap((some) => [...inGroups(some, eventSource.batchSize)])
    .map((some) => ({
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
async function measure({ window }: Load, invocations: readonly KinesisEvent[]): Promise<Figures> {
  const aws = createMemoryAws();
  let now = invocations[0]!.Records[0]!.kinesis.approximateArrivalTimestamp! * 1000;
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
  const peak = process.resourceUsage().maxRSS / 1024;
  return {
    ...count(measured),
    invocations: measured.length,
    cpu: (user + system - (aws.figures.answering - before.answering)) / 1000,
    rounds: aws.figures.rounds - before.rounds,
    calls: Object.fromEntries(aws.figures.calls),
    peak,
  };
}

async function storyOf({ rate, seconds, of }: Load): Promise<Observation[]> {
  if (of === 'generated')
    return generateRollouts({
      events: rate * seconds,
      rate: rate / eventsOfRollout,
      arrival: 'in order',
      withStatus: true,
    });
  return repeatRecording({ rate, seconds });
}

function count(events: readonly KinesisEvent[]): Pick<Figures, 'events' | 'snapshots'> {
  const all = events
    .flatMap(({ Records }) => Records)
    .flatMap(({ kinesis }) => decodeBatch(Buffer.from(kinesis.data, 'base64')).observations);
  const own = all.filter(({ type }) => type === 'event').length;
  return { events: own, snapshots: all.length - own };
}

const [task, folder, load] = process.argv.slice(2);
if (task === undefined || folder === undefined || load === undefined) compareAll();
else {
  const file = join(folder, 'invocations.json');
  const one: Load = JSON.parse(load);
  if (task === 'make') writeFileSync(file, JSON.stringify(invocationsOf(await storyOf(one), one.window)));
  else console.log(JSON.stringify(await measure(one, JSON.parse(readFileSync(file, 'utf8')))));
}
