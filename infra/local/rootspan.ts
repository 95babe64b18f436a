/** The command line: `npm run -s rootspan -- COMMAND`. */
import { parseTime } from '../../functions/correlator/causality/time.ts';
import { toOtlpJson } from '../../functions/emitter/to-otlp-json.ts';
import { UserError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';
import { explainClusters } from './explain.ts';
import { readInput } from './read-input.ts';
import { readOptions } from './read-options.ts';
import { type CommandContext, runCommand } from './run-command.ts';
import { renderPage } from './view/render-page.ts';
import { renderTree } from './view/render-tree.ts';

const explainUsage =
  'use: rootspan explain FILE… [--format tree|json|otlp|html] [--at TIME] [--why] [--rules FILE]';

const formats: Readonly<
  Record<string, (spans: Span[], files: readonly string[], why: boolean) => Iterable<string>>
> = {
  tree: (spans, _, why) => [renderTree(spans, { why })],
  json: jsonLines,
  otlp: (spans) => [toOtlpJson(spans), '\n'],
  html: (spans, files) => [renderPage(spans, { title: 'Rootspan', source: files.join(', ') })],
};

/** An array with a span a line: as readable as it is small, and never one string of hundreds of megabytes. */
function* jsonLines(spans: readonly Span[]): Generator<string> {
  for (const [i, span] of spans.entries()) yield `${i === 0 ? '[' : ','}\n${JSON.stringify(span)}`;
  yield spans.length === 0 ? '[]\n' : '\n]\n';
}

const commands: Readonly<Record<string, (context: CommandContext, args: string[]) => Promise<void>>> = {
  explain: explainCommand,
  // Loaded where it is asked for: the AWS clients take longer than a recording to explain.
  doctor: async (context, args) => (await import('./doctor.ts')).doctorCommand(context, args),
  record: async (context, args) => (await import('./record.ts')).recordCommand(context, args),
  'replay-set-aside': async (context, args) =>
    (await import('./replay-set-aside.ts')).replaySetAsideCommand(context, args),
  simulate: async (context, args) =>
    (await import('./simulate/simulate-command.ts')).simulateCommand(context, args),
};
const usage = `use: rootspan COMMAND …; the commands are ${Object.keys(commands).join(', ')}`;

await runCommand(async (context) => {
  const [name, ...rest] = context.args;
  if (name === undefined) throw new UserError(`no command; ${usage}`);
  if (name === '--help' || name === '-h') return context.write(`${usage}\n`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new UserError(`no command ${name}; ${usage}`);
  return command(context, rest);
});

async function explainCommand(context: CommandContext, args: string[]) {
  const { environment, write, say } = context;
  if (args.some((arg) => arg === '--help' || arg === '-h')) return write(`${explainUsage}\n`);
  const { files, format, at, rules, why } = explainOptions(args, environment);
  const { clusters, userRows } = await readInput(context, { files, rules });
  const spans = explainClusters(clusters, { at, userRows });
  if (spans.length === 0 && format === 'tree') say('rootspan: no Events there, so no traces\n');
  for (const part of formats[format]!(spans, files, why)) await write(part);
}

interface ExplainOptions {
  files: string[];
  format: string;
  at?: bigint;
  rules?: string;
  why: boolean;
}

function explainOptions(args: string[], environment: CommandContext['environment']): ExplainOptions {
  const options = {
    format: { type: 'string' },
    at: { type: 'string' },
    rules: { type: 'string' },
    why: { type: 'boolean' },
  } as const;
  const { values, positionals } = readOptions(
    { args, allowPositionals: true, options },
    explainUsage,
    environment,
  );
  if (positionals.length === 0) throw new UserError(`no file to explain; ${explainUsage}`);
  const { format = 'tree', at, rules, why = false } = values;
  if (!Object.hasOwn(formats, format)) {
    throw new UserError(`--format ${format}: no such format; choose ${Object.keys(formats).join(', ')}`);
  }
  if (rules === '') throw new UserError('--rules: a file without a name; name the one with your rules');
  if (why && format !== 'tree')
    throw new UserError('--why goes with --format tree; the other formats say it anyway');
  const what = { files: positionals, format, why, ...(rules !== undefined && { rules }) };
  if (at === undefined) return what;
  // With its offset: without one it would be another time on each machine.
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
  if (Number.isNaN(Date.parse(at)) || !isTime.test(at)) {
    throw new UserError(`--at ${at}: not a time; write it like 2026-11-23T04:51:02Z`);
  }
  return { ...what, at: parseTime(at) };
}
