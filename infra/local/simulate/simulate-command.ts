/** `rootspan simulate`: recordings through the pipeline in memory, calm or with everything that AWS may do to it. */
import { mostPartitions } from '../../../shared/batch-codec.ts';
import { UserError } from '../../../shared/errors.ts';
import { readInput } from '../read-input.ts';
import { readOptions } from '../read-options.ts';
import type { CommandContext } from '../run-command.ts';
import { type Figures, measure } from './measure.ts';
import { renderReport } from './report.ts';
import { isSound, type Simulated, simulate } from './simulate.ts';
import { describeFailures } from './verify.ts';

const usage =
  'use: rootspan simulate FILE… [--seed N] [--faults none|all] [--partitions N] [--format report|json|jsonl] [--rules FILE]';

const help = `${usage}

Runs the pipeline as AWS would (stream, functions, table, queues, backend) in this process and on a clock of its own, each
observation at the time that the recording says it came, and holds what the backend got against what explain says.

  --seed N        the same seed, the same run, to the byte (1)
  --faults none   each delivery once and in order (the default)
  --faults all    what AWS may do, as the seed says: deliveries twice, at once and late, functions that die at any call, answers
                  that get lost, parts that are away or throttle for a while, clocks that differ, cold starts
  --partitions N  partition keys of each cluster, as the chart's value; and as many shards (1)
  --format report latency, requests, units, bytes, milliseconds, and the price of a million Events (the default); json: the same
  --format jsonl  a line for each span as the backend got it: {"deliveredAt":MILLISECONDS,"span":{…}}
  --rules FILE    rules of your own, as for explain

Exit 1 where a span was lost or contradicted; standard error says which.
`;

type Format = (figures: () => Figures, simulated: Simulated) => Iterable<string>;

const formats: Readonly<Record<string, Format>> = {
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
  const { environment, write, say } = context;
  if (args.some((arg) => arg === '--help' || arg === '-h')) return write(help);
  const { files, seed, faults, partitions, format, rules } = simulateOptions(args, environment);
  const { clusters, userRows } = await readInput(context, { files, rules });
  const simulated = await run(clusters, { seed, faults, partitions, userRows });
  const figures = () => measure(clusters, simulated, { seed, faults });
  for (const text of formats[format]!(figures, simulated)) await write(text);
  tellFailures(simulated, say);
  if (!isSound(simulated)) process.exitCode = 1;
}

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
  format: string;
  rules: string | undefined;
}

function simulateOptions(args: string[], environment: CommandContext['environment']): SimulateOptions {
  const options = {
    seed: { type: 'string' },
    faults: { type: 'string' },
    partitions: { type: 'string' },
    format: { type: 'string' },
    rules: { type: 'string' },
  } as const;
  const { values, positionals } = readOptions({ args, allowPositionals: true, options }, usage, environment);
  if (positionals.length === 0) throw new UserError(`no file to simulate; ${usage}`);
  const { seed = '1', faults = 'none', partitions = '1', format = 'report', rules } = values;
  if (!/^\d{1,15}$/.test(seed)) throw new UserError(`--seed ${seed}: not a seed; write a whole number`);
  if (faults !== 'none' && faults !== 'all')
    throw new UserError(`--faults ${faults}: no such faults; choose none, all`);
  if (!/^[1-9]\d?$/.test(partitions) || Number(partitions) > mostPartitions)
    throw new UserError(
      `--partitions ${partitions}: not so many; write a number from 1 to ${mostPartitions}`,
    );
  if (!Object.hasOwn(formats, format))
    throw new UserError(`--format ${format}: no such format; choose ${Object.keys(formats).join(', ')}`);
  if (rules === '') throw new UserError('--rules: a file without a name; name the one with your rules');
  return { files: positionals, seed: Number(seed), faults, partitions: Number(partitions), format, rules };
}
