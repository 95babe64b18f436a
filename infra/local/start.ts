/** The main job on the embedded default: `npm start [-- FILE…]`. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readOtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { UserError } from '../../shared/errors.ts';
import { compareSpans } from '../../shared/span.ts';
import { replay } from './replay.ts';
import { type CommandContext, runCommand } from './run-command.ts';
import { renderPage } from './view/render-page.ts';
import { renderWaterfall } from './view/render-waterfall.ts';

const usage = 'use: npm start [-- FILE…]';
const example = resolve(import.meta.dirname, '../../test/recordings/deployment-image-update.jsonl');
const pageName = 'rootspan-traces.html';
/** More traces than anybody reads in a terminal; the page has them all. */
const shownInTerminal = 2_000;

await runCommand(async (context) => {
  const { workingDirectory, environment, terminal, write } = context;
  if (context.args.some((arg) => arg === '--help' || arg === '-h')) return write(`${usage}\n`);
  const { files, source } = filesOf(context.args);
  const progress = createProgress(context);
  const { spans, undelivered } = await replay({
    files,
    baseDirectory: workingDirectory,
    endpoint: readOtlpEndpoint(environment),
    onProgress: progress.show,
  });
  progress.end();
  spans.sort(compareSpans);

  const shown = spans.length <= shownInTerminal ? spans : [];
  await write(
    `\n${renderWaterfall(shown, { width: terminal?.columns ?? 120, color: terminal?.color ?? false })}\n`,
  );
  const page = resolve(workingDirectory, pageName);
  await writeFile(page, renderPage(spans, { title: 'Rootspan', source }));
  const traces = new Set(spans.map(({ traceId }) => traceId)).size;
  await write(`${traces} traces, ${spans.length} spans. Look at them: file://${encodeURI(page)}\n`);
  if (undelivered !== undefined) {
    throw new UserError(
      `${undelivered.spans} spans did not reach OTEL_EXPORTER_OTLP_ENDPOINT (${undelivered.reason}); the traces above are complete`,
    );
  }
});

function filesOf(args: string[]): { files: string[]; source: string } {
  let files: string[];
  try {
    ({ positionals: files } = parseArgs({ args, allowPositionals: true, options: {} }));
  } catch (error) {
    throw new UserError(`${(error as Error).message.split('\n')[0]}; ${usage}`);
  }
  if (files.includes('-'))
    throw new UserError('a replay reads its input twice, standard input cannot; give a file');
  return files.length === 0
    ? { files: [example], source: 'a recorded rollout (the example)' }
    : { files, source: files.join(', ') };
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
