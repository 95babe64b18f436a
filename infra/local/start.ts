/** The main job on the embedded default: `rootspan start [FILE… | --live]`, and `npm start` in a checkout. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readOtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { UserError } from '../../shared/errors.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { type ChosenCluster, connectCluster } from './connect-cluster.ts';
import { keepSpans } from './keep-spans.ts';
import { readOptions, seeHelp } from './read-options.ts';
import { replay } from './replay.ts';
import type { CommandContext, Progress } from './run-command.ts';
import { showLive, shownInTerminal } from './show-live.ts';
import { countTraces } from './view/describe-span.ts';
import { renderWaterfall } from './view/render-waterfall.ts';
import { createPageWriter } from './write-page.ts';
import { createRecordWriter, type RecordWriter } from './write-records.ts';

const example = resolve(import.meta.dirname, '../../test/recordings/deployment-image-update.jsonl');
const pageName = 'rootspan-traces.html';

export async function startCommand(context: CommandContext, args: string[]): Promise<void> {
  const { input, traceUrl, recordsFile } = inputOf(context, args);
  const { workingDirectory } = context;
  const records =
    recordsFile === undefined
      ? undefined
      : createRecordWriter(resolve(workingDirectory, recordsFile), recordsFile, { traceUrl });
  switch (input.type) {
    case 'live': {
      const connected = connectCluster(input.chosen, workingDirectory);
      const { namespaces } = input;
      return showLive(context, connected, { namespaces, records, traceUrl });
    }
    case 'files':
      if (recordsFile !== undefined) await refuseInput(recordsFile, input.files, workingDirectory);
      return showReplay(context, input, { records, traceUrl });
    default:
      return input satisfies never;
  }
}

/** @throws UserError where the records would go into what is read */
async function refuseInput(recordsFile: string, files: readonly string[], workingDirectory: string) {
  const find = (file: string) =>
    stat(resolve(workingDirectory, file), { bigint: true }).catch(() => undefined);
  const records = await find(recordsFile);
  for (const file of files) {
    const input = await find(file);
    if (input !== undefined && input.ino === records?.ino && input.dev === records.dev)
      throw new UserError(`--records ${recordsFile}: is what is to be read; name another file`);
  }
}

async function showReplay(
  context: CommandContext,
  { files, source }: ReplayedFiles,
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
    onFound: async () => records?.open(),
  });
  progress.end();
  if (spans.length === 0) say('rootspan: no Events there, so no traces\n');
  // Neither is lost with the other.
  const [recorded] = await Promise.allSettled([records?.add(spans)]);
  await display(context, spans.sort(compareSpans), { source, traceUrl });
  if (recorded.status === 'rejected') throw recorded.reason;
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
  context: CommandContext,
  spans: readonly Span[],
  { source, traceUrl }: Pick<ReplayedFiles, 'source'> & Pick<Asked, 'traceUrl'>,
): Promise<void> {
  const { call, say, output, write } = context;
  const seen = countTraces(spans);
  try {
    await write(
      spans.length <= shownInTerminal
        ? `\n${renderWaterfall(spans, output)}\n`
        : `\nMore than a terminal shows; ${call} explain FILE --format waterfall draws them all the same.\n\n`,
    );
    const page = await createPageWriter(context, pageName)(spans, { source, traceUrl });
    if (page !== undefined) return await write(`${seen}. Look at them: ${page}\n`);
  } catch (error) {
    say(`rootspan: the picture failed (${(error as Error).message})\n`);
  }
  await keepSpans(context, spans);
  process.exitCode = 1;
}

type Input =
  | { type: 'live'; chosen: ChosenCluster; namespaces: ReadonlySet<string> | undefined }
  | ({ type: 'files' } & ReplayedFiles);

interface ReplayedFiles {
  files: readonly string[];
  /** What they are called on the page. */
  source: string | readonly string[];
}

interface Asked {
  input: Input;
  /** A template for links to a backend, on the page and in records. */
  traceUrl: string | undefined;
  /** As the user wrote it. */
  recordsFile: string | undefined;
}

function inputOf(context: CommandContext, args: string[]): Asked {
  const { positionals: files, values } = readOptions('start', args, context);
  const { live, namespace, url: traceUrl, records: recordsFile, ...chosen } = values;
  if (live === true) {
    if (files.length > 0)
      throw new UserError(`--live follows a cluster and reads no file; ${seeHelp(context, 'start')}`);
    const namespaces = namespace && new Set(namespace);
    return { input: { type: 'live', chosen, namespaces }, traceUrl, recordsFile };
  }
  for (const option of ['context', 'kubeconfig', 'namespace'] as const)
    if (values[option] !== undefined)
      throw new UserError(`--${option} goes with --live; ${seeHelp(context, 'start')}`);
  if (files.includes('-'))
    throw new UserError('a replay reads its input twice, standard input cannot; give a file');
  const input: Input =
    files.length === 0
      ? { type: 'files', files: [example], source: 'a recorded rollout (the example)' }
      : { type: 'files', files, source: files };
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
