/** What came of a fleet, and of one large cluster, as tables. */

import type { OneCluster, OneClusterFigures } from './flood-one-cluster.ts';
import type { FleetFigures } from './run-fleet.ts';

const whole = (number: number): string => Math.round(number).toLocaleString('en');
const seconds = (number: number): string => `${number.toFixed(1)} s`;
const row = ([name = '', ...cells]: readonly string[]): string =>
  `  ${name.padEnd(32)}${cells.map((cell) => cell.padStart(13)).join('')}`;

export function* describeFleet({ figures, latency, held, floodOverAfter }: FleetFigures): Generator<string> {
  const { input, spans, dollarsPerMillionEvents, functions } = figures;
  yield `${whole(input.events)} Events and ${whole(input.observations - input.events)} snapshots of ${input.clusters} clusters, ${input.from} to ${input.until}`;
  yield '';
  yield row(['From the last word to the root', 'traces', 'p50', 'p99', 'max']);
  for (const [group, { traces, p50, p99, max }] of Object.entries(latency))
    yield row([group, whole(traces), ...[p50, p99, max].map(seconds)]);
  yield '';
  yield row(['Spans of explain', whole(spans.explained)]);
  yield row(['lost', whole(spans.lost)]);
  yield row(['contradicted', whole(spans.contradicted + spans.orphaned)]);
  yield row(['sent before all was told', whole(spans.different + spans.unknown)]);
  yield row(['activities never settled', whole(figures.neverSettled.length)]);
  yield row(['dead letters', whole(figures.deadLetters)]);
  yield row(['held, each time that it came', whole(held)]);
  yield row(['still set aside', whole(figures.setAside)]);
  yield row(['last of the floods', `${floodOverAfter.toFixed(0)} min after`]);
  yield row([
    'invocations that failed',
    whole(Object.values(functions).reduce((sum, { failed }) => sum + failed, 0)),
  ]);
  yield row(['a million Events', `$${dollarsPerMillionEvents.toFixed(2)}`]);
}

export const oneClusterHead = row([
  'Partition keys, ingest with',
  'kB/s a shard',
  'Events a call',
  'ms a call',
  'half behind',
  'most behind',
  'caught up in',
  'failed calls',
]);

export const describeOneCluster = ({ keys, memoryGB }: OneCluster, of: OneClusterFigures): string =>
  row([
    `${keys}, ${whole(memoryGB * 1000)} MB`,
    whole(of.bytesPerShard / 1000),
    whole(of.events),
    whole(of.milliseconds),
    ...[of.firstHalf, of.most, of.over].map(seconds),
    whole(of.failed),
  ]);
