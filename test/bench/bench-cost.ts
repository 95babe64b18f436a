/**
 * `npm run bench:cost [-- WORKLOAD…]`: what a million Events cost in AWS, by workload and hour, and a month without any. Ingest and
 * settle run each workload on a clock that jumps, on a store in memory that counts units as DynamoDB bills them; rollouts
 * also on Amazon's DynamoDB Local. Measured is everything but what AWS alone can say (cost/prices.ts).
 */
import { parseArgs } from 'node:util';
import { startDynamoDbLocal } from '../e2e/start-dynamodb-local.ts';
import { measure, measureReal } from './cost/measure.ts';
import { printHead, printHours, printIdle, printMonths, printPrices } from './cost/print.ts';
import { type Workload, workloads } from './workloads/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  // Of the CPU: more shows later hours, where a day of a workload takes longer than that to compute.
  options: { seconds: { type: 'string', default: '120' } },
});
const chosen = workloads.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (chosen.length === 0)
  throw new Error(`no such workload; there are ${workloads.map(({ name }) => name).join(', ')}`);

async function benchRollouts(some: readonly Workload[]): Promise<void> {
  if (some.length === 0) return;
  const local = await startDynamoDbLocal();
  try {
    for (const workload of some) printMonths(await measureReal(workload, local.endpoint));
  } finally {
    await local.stop();
  }
}

printIdle();
await benchRollouts(chosen.filter(({ isShort }) => isShort === true));
printHead();
for (const workload of chosen) {
  for (const isCold of [false, true]) printHours(await measure(workload, isCold, Number(values.seconds)));
}
printPrices();
