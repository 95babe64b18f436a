/** The main job on the embedded default: `npm start [-- FILE… | -- --live]`. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readOtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { checkTraceUrl } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { followLive } from './live.ts';
import { readOptions } from './read-options.ts';
import { replay } from './replay.ts';
import { type CommandContext, runCommand } from './run-command.ts';
import { renderPage } from './view/render-page.ts';
import { renderWaterfall } from './view/render-waterfall.ts';
import { createRecordWriter, type RecordWriter } from './write-records.ts';

const usage = 'use: npm start [-- [FILE… | --live] [--records FILE [--url TEMPLATE]]]';

const help = `${usage}

  --live          the current kubeconfig's cluster, until Ctrl-C
  --records FILE  a line of JSON for each change and release that ends, and change that stalls (shared/change-record.schema.json)
  --url TEMPLATE  a link to the trace in each record: https://… with {traceId}, and maybe {spanId}, {start} and {end}
`;
const example = resolve(import.meta.dirname, '../../test/recordings/deployment-image-update.jsonl');
const pageName = 'rootspan-traces.html';
/** More traces than anybody reads in a terminal; the page has them all. */
const shownInTerminal = 2_000;

await runCommand(async (context) => {
  const { args, write } = context;
  if (args.some((arg) => arg === '--help' || arg === '-h')) return write(help);
  const { input, records } = inputOf(context);
  const writer = records && (await createRecordWriter(records.file, records));
  if (input.type === 'live') return showLive(context, writer);
  return showReplay(context, input, writer);
});

async function showReplay(
  context: CommandContext,
  { files, source }: { files: string[]; source: string },
  records: RecordWriter | undefined,
) {
  const { workingDirectory, environment, write } = context;
  const progress = createProgress(context);
  const { spans, undelivered } = await replay({
    files,
    baseDirectory: workingDirectory,
    endpoint: readOtlpEndpoint(environment),
    onProgress: progress.show,
    onNote: (note) => context.say(`rootspan: ${note}\n`),
  });
  progress.end();
  await records?.add(spans);
  await showTraces(context, spans);
  const page = await writePage(context, spans, source);
  await write(`${count(spans)}. Look at them: ${page}\n`);
  if (undelivered !== undefined) {
    throw new UserError(
      `${undelivered.spans} spans did not reach OTEL_EXPORTER_OTLP_ENDPOINT (${undelivered.reason}); the traces above are complete`,
    );
  }
}

/** A trace is drawn once its root has come, which is when it is over; the page has the rest as well. */
async function showLive(context: CommandContext, records: RecordWriter | undefined) {
  const { environment, say, untilStopped, write } = context;
  const isRoot = ({ parentSpanId }: Span) => parentSpanId === null;
  let drawn = new Set<string>();
  let source = '';
  const spans = await followLive({
    endpoint: readOtlpEndpoint(environment),
    signal: untilStopped,
    onStart(cluster) {
      source = cluster;
      say(
        `Following ${cluster}, and the Events of its last hour. A trace is drawn once it is over, and the newest are kept, up to 20,000 spans; Ctrl-C ends it.\n`,
      );
    },
    async onSpans(soFar, letGo) {
      await records?.add(soFar);
      const over = new Set(soFar.filter(isRoot).map(({ traceId }) => traceId));
      const fresh = over.difference(drawn);
      drawn = over;
      await showTraces(
        context,
        soFar.filter(({ traceId }) => fresh.has(traceId)),
      );
      const older = letGo === 0 ? '' : ` (${letGo} older traces are kept no more)`;
      say(`${count(soFar)} so far${older}: ${await writePage(context, soFar, source)}\n`);
    },
    traceUrl: records?.traceUrl,
    onStalled: records?.tell,
    onTrouble: (text) => say(`rootspan: ${text}\n`),
  });
  await records?.add(spans.filter(hasEnded));
  const page = await writePage(context, spans, source);
  await write(`\n${count(spans)}, those that were not over as they stood. Look at them: ${page}\n`);
}

/** Of what was not over when it was stopped nobody knows how it ends. */
const hasEnded = ({ attributes }: Span): boolean =>
  !['stalled', 'unfinished'].includes(String(attributes['rootspan.change.outcome']));

function count(spans: readonly Span[]): string {
  return `${new Set(spans.map(({ traceId }) => traceId)).size} traces, ${spans.length} spans`;
}

async function showTraces({ terminal, write }: CommandContext, spans: readonly Span[]): Promise<void> {
  const shown = spans.length <= shownInTerminal ? spans.toSorted(compareSpans) : [];
  const look = { width: terminal?.columns ?? 120, color: terminal?.color ?? false };
  await write(`\n${renderWaterfall(shown, look)}\n`);
}

/** Its address. */
async function writePage(
  { workingDirectory }: CommandContext,
  spans: readonly Span[],
  source: string,
): Promise<string> {
  const page = resolve(workingDirectory, pageName);
  await writeFile(page, renderPage(spans.toSorted(compareSpans), { title: 'Rootspan', source }));
  return `file://${encodeURI(page)}`;
}

type Input = { type: 'live' } | { type: 'files'; files: string[]; source: string };

interface Records {
  file: string;
  traceUrl: string | undefined;
}

function inputOf({ args, environment, workingDirectory }: CommandContext): {
  input: Input;
  records: Records | undefined;
} {
  const options = {
    live: { type: 'boolean' },
    records: { type: 'string' },
    url: { type: 'string' },
  } as const;
  const {
    positionals: files,
    values: { live, records, url },
  } = readOptions({ args, allowPositionals: true, options }, usage, environment);
  const wrong = url === undefined ? undefined : checkTraceUrl(url);
  if (wrong !== undefined) throw new UserError(`--url ${url}: ${wrong}`);
  if (url !== undefined && records === undefined)
    throw new UserError(`--url is for the links in records; name their file with --records; ${usage}`);
  if (records === '') throw new UserError(`--records: a file without a name; ${usage}`);
  return {
    input: sourceOf(files, live === true),
    records: records === undefined ? undefined : { file: resolve(workingDirectory, records), traceUrl: url },
  };
}

function sourceOf(files: string[], live: boolean): Input {
  if (live) {
    if (files.length > 0) throw new UserError(`--live follows a cluster and reads no file; ${usage}`);
    return { type: 'live' };
  }
  if (files.includes('-'))
    throw new UserError('a replay reads its input twice, standard input cannot; give a file');
  return files.length === 0
    ? { type: 'files', files: [example], source: 'a recorded rollout (the example)' }
    : { type: 'files', files, source: files.join(', ') };
}

/** One line that is written over in a terminal; elsewhere a line for each stage. */
function createProgress({ say, terminal }: CommandContext) {
  let stage = '';
  let told = 0;
  return {
    show: (name: string, detail: string) => {
      if (terminal === undefined) {
        if (name !== stage) say(`${name} …\n`);
      } else if (name !== stage || Date.now() - told > 100) {
        say(`\r\x1b[K${name} ${detail}`);
        told = Date.now();
      }
      stage = name;
    },
    end: () => {
      if (terminal !== undefined) say('\r\x1b[K');
    },
  };
}
