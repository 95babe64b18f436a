/** `rootspan start --live` in the terminal: what is under way, each trace once it is over, and what comes after that. */
import { readOtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import type { ConnectedCluster } from './connect-cluster.ts';
import { keepSpans } from './keep-spans.ts';
import { followLive } from './live.ts';
import type { CommandContext } from './run-command.ts';
import { describeLater, describeUnderWay, findOver, rememberUnderWay } from './tell-live.ts';
import { countTraces } from './view/describe-span.ts';
import { renderWaterfall } from './view/render-waterfall.ts';
import { createPageWriter } from './write-page.ts';
import type { RecordWriter } from './write-records.ts';

/** More at once than anybody reads; the page has them all. */
export const shownInTerminal = 2_000;
const linesAtOnce = 20;

interface LiveOptions {
  namespaces: ReadonlySet<string> | undefined;
  records: RecordWriter | undefined;
  /** A template for links to a backend, on the page and in records. */
  traceUrl: string | undefined;
}

export async function showLive(
  context: CommandContext,
  connected: ConnectedCluster,
  { namespaces, records, traceUrl }: LiveOptions,
): Promise<void> {
  const { environment, say, output, untilStopped, write } = context;
  const writePage = createPageWriter(context, pageName(connected.context, new Date()));
  const isWanted = ({ attributes }: Span) =>
    namespaces === undefined || namespaces.has(String(attributes['k8s.namespace.name']));
  const told = rememberUnderWay();
  /** By root that was drawn: spans that were shown. */
  let drawn = new Map<string, Set<string>>();
  let source = '';
  const about = () => ({ source, traceUrl, context: connected.context });

  const spans = await followLive({
    connected,
    endpoint: readOtlpEndpoint(environment),
    signal: untilStopped,
    async onStart(cluster) {
      await records?.open();
      source = cluster;
      say(
        `Following ${cluster}, and the Events of its last hour. A trace is drawn once it is over, and the newest are kept, up to 20,000 spans; Ctrl-C ends it.\n`,
      );
    },
    async onSpans(soFar, letGo) {
      await records?.add(soFar);
      const before = drawn;
      const over = [...findOver(soFar)].filter(([, those]) => those.some(isWanted));
      drawn = new Map(over.map(([id, those]) => [id, new Set(those.map(({ spanId }) => spanId))]));
      const fresh = over.flatMap(([id, those]) => (before.has(id) ? [] : those));
      await drawTraces(context, fresh);
      const later = over.flatMap(([id, those]) => {
        const shown = before.get(id);
        return shown === undefined ? [] : describeLater(those, shown, output);
      });
      await writeLines(write, later);
      const older = letGo === 0 ? '' : ` (${letGo} older traces are kept no more)`;
      const page = await writePage(soFar, about());
      say(`${countTraces(soFar)} so far${older}${page === undefined ? '' : `: ${page}`}\n`);
    },
    onUnderWay(traces) {
      const news = told.news(
        traces.filter(({ root, lastError }) => [root, lastError ?? root].some(isWanted)),
      );
      void writeLines(
        write,
        news.map((one) => describeUnderWay(one, Date.now(), output)),
      );
    },
    traceUrl,
    onStalled: records?.tell,
    onTrouble: (text) => say(`rootspan: ${text}\n`),
  });
  // Neither is lost with the other.
  const [recorded] = await Promise.allSettled([records?.add(spans.filter(hasEnded))]);
  await showEnd(context, spans, await writePage(spans, about()));
  if (recorded.status === 'rejected') throw recorded.reason;
}

/** Those that are over since the last look; a cluster's first hour may come at once. */
export async function drawTraces(
  { write, output }: Pick<CommandContext, 'write' | 'output'>,
  spans: readonly Span[],
): Promise<void> {
  if (spans.length === 0) return;
  await write(
    spans.length > shownInTerminal
      ? `\n${countTraces(spans)} at once, more than a terminal shows; the page has them.\n`
      : `\n${renderWaterfall(spans.toSorted(compareSpans), output)}\n`,
  );
}

async function showEnd(context: CommandContext, spans: readonly Span[], page: string | undefined) {
  const seen = `${countTraces(spans)}, those that were not over as they stood`;
  if (page !== undefined) return context.write(`\n${seen}. Look at them: ${page}\n`);
  process.exitCode = 1;
  return keepSpans(context, spans);
}

/** Of what was not over when it was stopped nobody knows how it ends. */
const hasEnded = ({ attributes }: Span): boolean =>
  !['stalled', 'unfinished'].includes(String(attributes['rootspan.change.outcome']));

async function writeLines(write: CommandContext['write'], lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const more = lines.length - linesAtOnce;
  const shown = [...lines.slice(0, linesAtOnce), ...(more > 0 ? [`… and ${more} more`] : [])];
  await write(`${shown.join('\n')}\n`);
}

/** A page for each run: one that ran here before is still there. */
const pageName = (context: string, at: Date): string =>
  `rootspan-live-${context.replace(/[^\w.-]+/g, '-').slice(0, 60)}-${at.toISOString().slice(0, 19).replace(/\D/g, '')}.html`;
