/** The figures as text for a terminal. */
import type { Figures } from './measure.ts';

export function renderReport(figures: Figures): string {
  const lines = [
    ...heading(figures),
    ...spanSection(figures),
    ...latencySection(figures),
    ...functionSection(figures),
    ...serviceSection(figures),
    ...priceSection(figures),
    ...troubleSection(figures),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const heading = ({ input, seed, faults }: Figures): string[] => [
  `${input.events} Events and ${input.observations - input.events} snapshots of ${input.clusters} ` +
    `${input.clusters === 1 ? 'cluster' : 'clusters'}, ${input.from} to ${input.until}; seed ${seed}, faults ${faults}`,
  '',
];

const spanSection = ({ spans, faults, neverSettled, setAside, deadLetters }: Figures): string[] =>
  section(
    'Spans',
    ['number'],
    [
      ['of explain', whole(spans.explained)],
      ['delivered', whole(spans.delivered)],
      ['sent twice', whole(spans.repeated)],
      ['lost', whole(spans.lost)],
      ['contradicted', whole(spans.contradicted)],
      ['parent elsewhere or missing', whole(spans.orphaned)],
      ['sent before all was told (ends, counts)', whole(spans.different)],
      ['not known to explain', whole(spans.unknown)],
      // A function that dies once all is written does not say so any more: what is lost by that stands above.
      ...(faults === 'all' ? [] : [['activities never settled', whole(neverSettled.length)]]),
      ['set aside', whole(setAside)],
      ['dead letters', whole(deadLetters)],
    ],
  );

const latencySection = ({ latency }: Figures): string[] =>
  section(
    'From the last word of a trace to its root at the backend',
    ['traces', 'p50', 'p99', 'max'],
    Object.entries(latency).map(([outcome, { traces, p50, p99, max }]) => [
      outcome,
      whole(traces),
      ...[p50, p99, max].map(seconds),
    ]),
  );

const functionSection = ({ functions }: Figures): string[] =>
  section(
    'Functions',
    ['invocations', 'cold', 'failed', 'ms', 'ms of CPU'],
    Object.entries(functions).map(([name, of]) => [
      name,
      ...[of.invocations, of.coldStarts, of.failed, of.milliseconds, of.computing].map(whole),
    ]),
  );

const serviceSection = ({ services }: Figures): string[] =>
  section(
    'Services',
    ['requests', 'read units', 'write units', 'bytes'],
    Object.entries(services).map(([name, of]) => [
      name,
      ...[of.requests, of.readUnits, of.writeUnits, of.bytes].map(whole),
    ]),
  );

/** Of a calm day only: what is tried again and again is no measure of anything. */
const priceSection = ({ input, faults, price, dollarsPerMillionEvents }: Figures): string[] =>
  faults === 'all'
    ? []
    : section(
        `A million Events, reckoned from these ${whole(input.events)}`,
        ['quantity', 'dollars'],
        [
          ...Object.entries(price).map(([name, { quantity, dollars }]) => [
            name,
            quantity < 100 ? quantity.toFixed(3) : whole(quantity),
            dollars.toFixed(3),
          ]),
          ['together', '', dollarsPerMillionEvents.toFixed(3)],
        ],
      );

const troubleSection = ({ troubles }: Figures): string[] =>
  section(
    'Troubles',
    ['times'],
    Object.entries(troubles).map(([kind, times]) => [kind, whole(times)]),
  );

const whole = (number: number): string => Math.round(number).toLocaleString('en');
const seconds = (number: number): string => `${number.toFixed(1)} s`;

/** Left the names, right of them the numbers under their heads; nothing where there are no rows. */
function section(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const table = [[title, ...heads], ...rows.map(([name, ...numbers]) => [`  ${name}`, ...numbers])];
  const widths = [title, ...heads].map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('   ')
      .trimEnd();
  return [...table.map(line), ''];
}
