/** `rootspan explain FILE…`. */
import { parseTime } from '../../functions/correlator/causality/time.ts';
import { toOtlpJson } from '../../functions/emitter/to-otlp-json.ts';
import { recordOutcomes } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import { isRoot, type Span } from '../../shared/span.ts';
import type { explainFormats } from './command-table.ts';
import { explainClusters } from './explain.ts';
import { countObservations, readInput } from './read-input.ts';
import { checkChoice, readOptions, seeHelp } from './read-options.ts';
import type { CommandContext } from './run-command.ts';
import { renderPage } from './view/render-page.ts';
import { renderTree } from './view/render-tree.ts';
import { renderWaterfall } from './view/render-waterfall.ts';
import { spanLines } from './view/span-lines.ts';

type Format = (typeof explainFormats)[number];

interface Rendering {
  files: readonly string[];
  url: string | undefined;
  why: boolean;
  output: CommandContext['output'];
}

const renderings: Readonly<Record<Format, (spans: Span[], how: Rendering) => Iterable<string>>> = {
  waterfall: (spans, { output }) => [renderWaterfall(spans, output)],
  tree: (spans, { why }) => [renderTree(spans, { why })],
  json: spanLines,
  otlp: (spans) => [toOtlpJson(spans), '\n'],
  html: (spans, { files, url: traceUrl }) => [
    renderPage(spans, { title: 'Rootspan', source: files, traceUrl }),
  ],
};

export async function explainCommand(context: CommandContext, args: string[]): Promise<void> {
  const { write, say, progress, output } = context;
  const { files, format, at, rules, url, why, failOn } = explainOptions(context, args);
  const { clusters, userRows } = await readInput(context, { files, rules });
  const seen = clusters.reduce((sum, { observations }) => sum + observations.length, 0);
  progress.show('assembling', countObservations(seen));
  const spans = explainClusters(clusters, { at, userRows });
  progress.end();
  if (spans.length === 0) say(`rootspan: ${seen === 0 ? 'nothing' : 'no Events'} there, so no traces\n`);
  for (const part of renderings[format](spans, { files, url, why, output })) await write(part);
  if (tellEnded(spans, failOn, say) > 0) process.exitCode = 1;
}

/** Lines on standard error: more of them nobody reads. */
const mostTold = 100;

/** A change once, by its own root: a release tells it again. @returns how many changes ended so */
function tellEnded(spans: readonly Span[], failOn: ReadonlySet<string>, say: CommandContext['say']): number {
  const ended = spans.filter(
    (span) => isRoot(span) && failOn.has(String(span.attributes['rootspan.change.outcome'])),
  );
  for (const { name, traceId, attributes, status } of ended.slice(0, mostTold)) {
    const where = attributes['k8s.namespace.name'];
    const object = `${where === undefined ? '' : `${where}/`}${attributes['k8s.object.name'] ?? ''}`;
    const why = status.message === undefined ? '' : `: ${status.message.replace(/\s+/g, ' ')}`;
    say(`rootspan: ${name} ${object} ${attributes['rootspan.change.outcome']} (trace ${traceId})${why}\n`);
  }
  if (ended.length > mostTold) say(`rootspan: and ${ended.length - mostTold} more\n`);
  return ended.length;
}

interface ExplainOptions {
  files: string[];
  format: Format;
  at: bigint | undefined;
  rules: string | undefined;
  url: string | undefined;
  why: boolean;
  failOn: ReadonlySet<string>;
}

function explainOptions(context: CommandContext, args: string[]): ExplainOptions {
  const { values, positionals: files } = readOptions('explain', args, context);
  if (files.length === 0) throw new UserError(`no file to explain; ${seeHelp(context, 'explain')}`);
  const { at, rules, url, why = false } = values;
  // With --why as text, since the waterfall has no room for it.
  const format = (values.format ?? (context.output.isTerminal && !why ? 'waterfall' : 'tree')) as Format;
  if (why && format !== 'tree')
    throw new UserError('--why goes with --format tree; the other formats say it anyway');
  if (url !== undefined && format !== 'html') throw new UserError('--url goes with --format html');
  return { files, format, rules, url, why, at: timeOf(at), failOn: readFailOn(values['fail-on']) };
}

function readFailOn(list: string | undefined): ReadonlySet<string> {
  if (list === undefined) return new Set();
  const named = list.split(',').map((name) => name.trim());
  // A gate that looks for nothing would let everything through.
  if (named.includes(''))
    throw new UserError(
      `--fail-on ${list}: an outcome is missing beside a comma; write it like failed,stalled`,
    );
  for (const name of named) checkChoice('outcome', name, recordOutcomes, '--fail-on ');
  return new Set(named);
}

/** With its offset: without one it would be another time on each machine. */
function timeOf(at: string | undefined): bigint | undefined {
  if (at === undefined) return undefined;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
  if (Number.isNaN(Date.parse(at)) || !isTime.test(at)) {
    throw new UserError(`--at ${at}: not a time; write it like 2026-11-23T04:51:02Z`);
  }
  return parseTime(at);
}
