/** A workload's counts, in all and by the hour. */
import { startDynamoDbStore } from '../../functions/correlator/start-dynamodb-store.ts';
import type { Workload } from '../workloads/index.ts';
import { type Counts, minus } from './counts.ts';
import { reckonEmitter, startEmitter } from './emit-spans.ts';
import { meterClient, meterMemory } from './meter-store.ts';
import { runWorkload } from './run-workload.ts';

export interface Measured {
  workload: Workload;
  isCold: boolean;
  /** From the first word to the end of the last trace. */
  all: Counts;
  /** Each of an hour, as far as it came. */
  hours: Counts[];
  /** It took too long: what came after these hours was left out. */
  isCut: boolean;
}

/** On the store in memory; it ends where it takes more than so many seconds of the CPU, which a busy machine gives later. */
export async function measure(workload: Workload, isCold: boolean, mostSeconds: number): Promise<Measured> {
  const counts: Counts = new Map();
  const hours: Counts[] = [];
  let before: Counts = new Map();
  const begin = process.cpuUsage();
  let isCut = false;
  await runWorkload(workload.observations(), {
    counts,
    store: meterMemory(counts),
    isCold,
    emit: reckonEmitter(counts),
    afterIngest(time) {
      if (time >= (hours.length + 1) * 3_600_000) {
        hours.push(minus(counts, before));
        before = new Map(counts);
      }
      isCut = process.cpuUsage(begin).user / 1e6 > mostSeconds;
      return !isCut;
    },
  });
  return { workload, isCold, all: counts, hours, isCut };
}

/**
 * On Amazon's DynamoDB Local, over its client, and with the emitter over HTTP: units are DynamoDB's, and the CPU's time is
 * with the clients'. How long a function waits is from the store in memory, where calls that go together are seen to.
 */
export async function measureReal(workload: Workload, endpoint: string): Promise<Measured> {
  const waiting = await measure(workload, false, Number.POSITIVE_INFINITY);
  const counts: Counts = new Map();
  const database = await startDynamoDbStore(endpoint, `cost-${workload.name}`);
  meterClient(database.client, counts);
  const emitter = await startEmitter(counts);
  await runWorkload(workload.observations(), {
    counts,
    store: database.make,
    isCold: false,
    emit: emitter.emit,
    afterIngest: () => true,
  });
  await emitter.stop();
  database.close();
  for (const [name, count] of waiting.all) if (name.startsWith('wait ')) counts.set(name, count);
  return { ...waiting, all: counts };
}
