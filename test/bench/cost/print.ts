/** What was measured, as tables. */
import { billOf, billOfRecords, type Counts, gbSecondsOf, sumOf } from './counts.ts';
import type { Measured } from './measure.ts';
import { type Bill, dollarsOf, functionNames, idle, type Price, prices } from './prices.ts';

const dollars = (amount: number) => `$${amount.toFixed(3)}`;

function printBill(title: string, bill: Bill, times = 1): number {
  console.log(`\n${title}`);
  for (const [name, quantity] of Object.entries(bill) as [Price, number][]) {
    const units = (quantity * times).toLocaleString('en', { maximumFractionDigits: 3 });
    const amount = dollars(quantity * times * prices[name]);
    console.log(`  ${name.padEnd(36)}${units.padStart(14)}  ${amount.padStart(9)}`);
  }
  const sum = dollarsOf(bill) * times;
  console.log(`  ${'together'.padEnd(50)}  ${dollars(sum).padStart(9)}`);
  return sum;
}

const perEvent = (counts: Counts, beginning: string): number =>
  sumOf(counts, beginning) / sumOf(counts, 'events');

function row(title: string, counts: Counts): string {
  const million = (dollarsOf(billOf(counts)) / sumOf(counts, 'events')) * 1e6;
  const figures = [
    sumOf(counts, 'events').toFixed(0),
    perEvent(counts, 'read ').toFixed(2),
    perEvent(counts, 'write ').toFixed(2),
    perEvent(counts, 'request ').toFixed(3),
    perEvent(counts, 'invocation ').toFixed(3),
    perEvent(counts, 'cpu ').toFixed(2),
    dollars(million),
  ];
  return `  ${title.padEnd(28)}${figures.map((figure) => figure.padStart(10)).join('')}`;
}

export function printHead(): void {
  const columns = ['Events', 'reads', 'writes', 'messages', 'calls', 'CPU ms', '$ a M'];
  console.log(
    '\nAn Event: read and write units, requests to SQS, invocations, milliseconds of CPU; dollars a million',
  );
  console.log(`  ${''.padEnd(28)}${columns.map((column) => column.padStart(10)).join('')}`);
}

const printedHours = new Set([1, 2, 4, 8, 24]);

export function printHours({ workload, isCold, all, hours, isCut }: Measured): void {
  console.log(`${workload.name}: ${workload.what}, functions ${isCold ? 'cold' : 'warm'}`);
  hours.forEach((counts, index) => {
    if (printedHours.has(index + 1)) console.log(row(`hour ${index + 1}`, counts));
  });
  console.log(row(isCut ? `all of ${hours.length} h, then cut off` : 'all', all));
  printSources(all);
}

/** What each kind of read and write comes to, the largest first. */
function printSources(counts: Counts): void {
  for (const beginning of ['read ', 'write ', 'request ', 'invocation ', 'remark ']) {
    const shares = [...counts]
      .filter(([name]) => name.startsWith(beginning))
      .toSorted(([, a], [, b]) => b - a)
      .map(
        ([name, count]) => `${name.slice(beginning.length)} ${(count / sumOf(counts, 'events')).toFixed(3)}`,
      );
    console.log(`    ${beginning}an Event: ${shares.join(', ')}`);
  }
  for (const which of ['all', 'trouble'] as const) {
    const million = (dollarsOf(billOfRecords(counts, which)) / sumOf(counts, 'events')) * 1e6;
    const setting = which === 'all' ? 'the setting' : 'outcomes failed and stalled';
    console.log(
      `    change records, with ${setting}: ${perEvent(counts, `records: ${which}`).toFixed(4)} an Event, ${dollars(million)} more a million Events`,
    );
  }
}

/** A rollout's bill, and what a month of such comes to. */
export function printMonths({ workload, all }: Measured): void {
  const events = sumOf(all, 'events');
  const perMillion = 1e6 / events;
  const variable = printBill(
    `A million Events, ${workload.what} (${events} Events, ${sumOf(all, 'spans')} spans measured;` +
      ` ${(sumOf(all, 'payload bytes') / events).toFixed(0)} bytes, ${perEvent(all, 'write ').toFixed(2)} write` +
      ` and ${perEvent(all, 'read ').toFixed(2)} read units an Event)`,
    billOf(all),
    perMillion,
  );
  printSources(all);
  for (const name of functionNames) {
    const [gb, cpu] = [gbSecondsOf(all, name) * 1000, sumOf(all, `cpu ${name}`)];
    console.log(
      `    ${name}: ${(gb / events).toFixed(3)} GB-milliseconds, ${(cpu / events).toFixed(3)} ms of CPU an Event`,
    );
  }
  const floor = dollarsOf(idle) + metrics;
  for (const millions of [1, 100]) {
    console.log(`  a month of ${millions} M Events: ${dollars(floor + variable * millions)}`);
  }
}

/** In months with Events. */
const metrics = 22 * prices['CloudWatch: metric, a month'];

export function printIdle(): void {
  printBill('A month without Events', idle);
  console.log(
    `  and up to ${dollars(metrics)} for the figures that functions tell, in hours in which there are any`,
  );
}

export function printPrices(): void {
  console.log('\nPrices');
  for (const [name, price] of Object.entries(prices)) console.log(`  ${name.padEnd(36)} $${price}`);
}
