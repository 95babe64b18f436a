/** The main job on the embedded default: `rootspan start [FILE… | --live]`, and `npm start` in a checkout. */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readOtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { UserError } from '../../shared/errors.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { type ChosenCluster, connectCluster } from './connect-cluster.ts';
import { readOptions, seeHelp } from './read-options.ts';
import { replay } from './replay.ts';
import type { CommandContext, Progress } from './run-command.ts';
import { showLive, shownInTerminal } from './show-live.ts';
import { countTraces } from './view/describe-span.ts';
import { renderWaterfall } from './view/render-waterfall.ts';
import { spanLines } from './view/span-lines.ts';
import { writePage } from './write-page.ts';
import { createRecordWriter, type RecordWriter } from './write-records.ts';

const example = resolve(import.meta.dirname, '../../test/recordings/deployment-image-update.jsonl');
const pageName = 'rootspan-traces.html';
const spansName = 'rootspan-traces.json';

export async function startCommand(context: CommandContext, args: string[]): Promise<void> {
  const { input, traceUrl, recordsFile } = inputOf(context, args);
  const openRecords = async () =>
    recordsFile === undefined ? undefined : createRecordWriter(recordsFile, { traceUrl });
  switch (input.type) {
    case 'live': {
      const connected = connectCluster(input.chosen, context.workingDirectory);
      const { namespaces } = input;
      return showLive(context, connected, { namespaces, records: await openRecords(), traceUrl });
    }
    case 'files':
      return showReplay(context, input, { records: await openRecords(), traceUrl });
    default:
      return input satisfies never;
  }
}

async function showReplay(
  context: CommandContext,
  { files, source }: { files: string[]; source: string },
  { records, traceUrl }: { records: RecordWriter | undefined; traceUrl: string | undefined },
) {
  const { workingDirectory, environment, say } = context;
  const progress = createStages(context);
  const { spans, undelivered, lost } = await replay({
    files,
    baseDirectory: workingDirectory,
    endpoint: readOtlpEndpoint(environment),
    onProgress: progress.show,
    onNote: (note) => say(`rootspan: ${note}\n`),
  });
  progress.end();
  await records?.add(spans);
  await display(context, spans.sort(compareSpans), { source, traceUrl });
  for (const line of lost) say(`rootspan: lost on the way, which is a bug: ${line}\n`);
  if (lost.length > 0) process.exitCode = 1;
  if (undelivered !== undefined) {
    throw new UserError(
      `${undelivered.spans} spans did not reach OTEL_EXPORTER_OTLP_ENDPOINT (${undelivered.reason}); the traces above are complete`,
    );
  }
}

/** Whatever goes wrong with a picture, the traces are there: as JSON then. */
async function display(
  { call, say, output, workingDirectory, write }: CommandContext,
  spans: readonly Span[],
  { source, traceUrl }: { source: string; traceUrl: string | undefined },
): Promise<void> {
  const seen = countTraces(spans);
  try {
    await write(
      spans.length <= shownInTerminal
        ? `\n${renderWaterfall(spans, output)}\n`
        : `\nMore than a terminal shows; ${call} explain FILE --format waterfall draws them all the same.\n\n`,
    );
    const page = await writePage(resolve(workingDirectory, pageName), spans, { source, traceUrl });
    await write(`${seen}. Look at them: ${page}\n`);
  } catch (error) {
    const file = resolve(workingDirectory, spansName);
    await pipeline(spanLines(spans), createWriteStream(file));
    say(`rootspan: the picture failed (${(error as Error).message}); the spans are in ${file}\n`);
    await write(`${seen}. They are in ${file}\n`);
    process.exitCode = 1;
  }
}

type Input =
  | { type: 'live'; chosen: ChosenCluster; namespaces: ReadonlySet<string> | undefined }
  | { type: 'files'; files: string[]; source: string };

interface Asked {
  input: Input;
  /** A template for links to a backend, on the page and in records. */
  traceUrl: string | undefined;
  recordsFile: string | undefined;
}

function inputOf({ environment, workingDirectory }: CommandContext, args: string[]): Asked {
  const { positionals: files, values } = readOptions('start', args, environment);
  const { live, namespace, url: traceUrl, records, ...chosen } = values;
  const recordsFile = records === undefined ? undefined : resolve(workingDirectory, records);
  if (live === true) {
    if (files.length > 0)
      throw new UserError(`--live follows a cluster and reads no file; ${seeHelp('start')}`);
    const namespaces = namespace && new Set(namespace);
    return { input: { type: 'live', chosen, namespaces }, traceUrl, recordsFile };
  }
  for (const option of ['context', 'kubeconfig', 'namespace'] as const)
    if (values[option] !== undefined)
      throw new UserError(`--${option} goes with --live; ${seeHelp('start')}`);
  if (files.includes('-'))
    throw new UserError('a replay reads its input twice, standard input cannot; give a file');
  const input: Input =
    files.length === 0
      ? { type: 'files', files: [example], source: 'a recorded rollout (the example)' }
      : { type: 'files', files, source: files.join(', ') };
  return { input, traceUrl, recordsFile };
}

/** One line that is written over in a terminal; elsewhere a line for each stage. */
function createStages({ say, progress, isProgressShown }: CommandContext): Progress {
  let stage = '';
  if (isProgressShown) return progress;
  return {
    show(name) {
      if (name !== stage) say(`${name} …\n`);
      stage = name;
    },
    end: () => {},
  };
}
