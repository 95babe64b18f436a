/** `rootspan simulate`: recordings through the pipeline in memory, calm or with everything that AWS may do to it. */
import { mostPartitions } from '../../../shared/batch-codec.ts';
import { UserError } from '../../../shared/errors.ts';
import type { simulateFormats } from '../command-table.ts';
import { readInput } from '../read-input.ts';
import { readOptions, seeHelp } from '../read-options.ts';
import type { CommandContext } from '../run-command.ts';
import { type Figures, measure } from './measure.ts';
import { renderReport } from './report.ts';
import { isSound, type Simulated, simulate } from './simulate.ts';
import { describeFailures } from './verify.ts';

type Format = (typeof simulateFormats)[number];
type Rendering = (figures: () => Figures, simulated: Simulated) => Iterable<string>;

const formats: Readonly<Record<Format, Rendering>> = {
  report: (figures) => [renderReport(figures())],
  json: (figures) => [`${JSON.stringify(figures(), null, 2)}\n`],
  jsonl: (_, { deliveries }) => Iterator.from(deliveries).map((delivery) => `${JSON.stringify(delivery)}\n`),
};

/** Lines on standard error: more of them nobody reads. */
const mostFailures = 100;

export async function simulateCommand(
  context: CommandContext,
  args: string[],
  run: typeof simulate = simulate,
): Promise<void> {
  const { write, say, progress } = context;
  const { files, seed, faults, partitions, format, rules } = simulateOptions(context, args);
  const { clusters, userRows } = await readInput(context, { files, rules });
  const onMoment = (now: number, inputEnds: number) =>
    progress.show('simulating', `${utc(now)} (the input ends at ${utc(inputEnds)})`);
  const simulated = await run(clusters, { seed, faults, partitions, userRows, onMoment });
  progress.end();
  const figures = () => measure(clusters, simulated, { seed, faults });
  for (const text of formats[format](figures, simulated)) await write(text);
  tellFailures(simulated, say);
  if (!isSound(simulated)) process.exitCode = 1;
}

const utc = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function tellFailures({ verdict, runs }: Simulated, say: CommandContext['say']): void {
  const failures = [
    ...describeFailures(verdict),
    ...runs.flatMap(({ isOver }) =>
      isOver ? [] : 'it never came to an end: 30 days later there was still something to do',
    ),
  ];
  for (const line of failures.slice(0, mostFailures)) say(`rootspan: ${line}\n`);
  if (failures.length > mostFailures) say(`rootspan: and ${failures.length - mostFailures} more\n`);
}

interface SimulateOptions {
  files: string[];
  seed: number;
  faults: 'none' | 'all';
  partitions: number;
  format: Format;
  rules: string | undefined;
}

function simulateOptions(context: CommandContext, args: string[]): SimulateOptions {
  const { values, positionals } = readOptions('simulate', args, context);
  if (positionals.length === 0) throw new UserError(`no file to simulate; ${seeHelp(context, 'simulate')}`);
  const { seed = '1', faults = 'none', partitions = '1', format = 'report', rules } = values;
  if (!/^\d{1,15}$/.test(seed)) throw new UserError(`--seed ${seed}: not a seed; write a whole number`);
  if (!/^[1-9]\d?$/.test(partitions) || Number(partitions) > mostPartitions)
    throw new UserError(
      `--partitions ${partitions}: not so many; write a number from 1 to ${mostPartitions}`,
    );
  return {
    files: positionals,
    seed: Number(seed),
    faults: faults === 'all' ? 'all' : 'none',
    partitions: Number(partitions),
    format: format as Format,
    rules,
  };
}
