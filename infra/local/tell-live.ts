/** Lines of `--live` between the traces: a change that is under way, and what came of one after it was drawn. */
import { isRoot, type Span } from '../../shared/span.ts';
import type { UnderWay } from './send-open.ts';
import { buildTraces, walkTrees } from './view/build-trees.ts';
import { containerName, formatDuration, messageOf, objectName, withContainer } from './view/describe-span.ts';
import { cutEnd, oneLine } from './view/fit-text.ts';

interface Look {
  width: number;
  color: boolean;
}

const paint = (code: string, text: string, { color }: Look): string =>
  color ? `\u001b[${code}m${text}\u001b[0m` : text;

const titleOf = (span: Span): string => {
  const namespace = span.attributes['k8s.namespace.name'];
  return `${oneLine(span.name)} ${namespace === undefined ? '' : `${oneLine(String(namespace))}/`}${objectName(span)}`;
};

/**
 * An episode of which nothing was heard for so many nanoseconds is not said to go on: of the last hour's Events many are of what is
 * over, or gone. Shorter: a back-off between two tries reads as an end. Longer: an end of before this began reads as now.
 */
const silent = 60_000_000_000n;

/** `… Deployment.Update shop/web is under way for 45 s, blocked: ErrImagePull: …`; of an episode its last error. */
export function describeUnderWay({ root, lastError }: UnderWay, now: number, look: Look): string {
  const since = (time: string): bigint => {
    const lasts = BigInt(now) * 1_000_000n - BigInt(time);
    return lasts < 0n ? 0n : lasts;
  };
  const isChange = root.attributes['rootspan.change.outcome'] !== undefined;
  const cause = isChange ? causeOf(root) : lastError === undefined ? '' : errorOf(lastError);
  const [lasts, silence] = [root.startTimeUnixNano, root.endTimeUnixNano].map(since) as [bigint, bigint];
  const goes =
    !isChange && silence > silent
      ? `began ${formatDuration(lasts)} ago, last word ${formatDuration(silence)} ago`
      : `${isChange ? 'is under way' : 'goes on'} for ${formatDuration(lasts)}`;
  const text = `… ${titleOf(root)} ${goes}`;
  const whole = cause === '' ? text : `${text}, ${isChange ? 'blocked' : 'last'}: ${cause}`;
  return paint(cause === '' ? '2' : '33', cutEnd(whole, look.width), look);
}

const errorOf = (span: Span): string =>
  `${oneLine(span.name)} ${withContainer(objectName(span), containerName(span))}: ${messageOf(span)}`;

const causeOf = ({ attributes, status }: Span): string => {
  const type = attributes['error.type'];
  const message = oneLine(status.message ?? '');
  if (type === undefined) return message;
  return message.includes(String(type)) ? message : `${oneLine(String(type))}: ${message}`;
};

/** Said once when it is seen, and again where the cause is another: its kind, since its words count attempts. */
export function rememberUnderWay() {
  let told = new Map<string, string>();
  const kindOf = ({ root, lastError }: UnderWay): string =>
    root.attributes['rootspan.change.outcome'] === undefined
      ? (lastError?.name ?? '')
      : String(root.attributes['error.type'] ?? '');
  return {
    news(traces: readonly UnderWay[]): UnderWay[] {
      const before = told;
      told = new Map(traces.map((one) => [one.root.spanId, kindOf(one)]));
      return traces.filter(({ root }) => before.get(root.spanId) !== told.get(root.spanId));
    },
  };
}

/**
 * What hangs under a root that came, by the root's span id: a change or an episode that is over. A caller's trace has one of each
 * change that continues it, and they end at different times.
 */
export const findOver = (spans: readonly Span[]): Map<string, Span[]> =>
  new Map(
    buildTraces(spans)
      .flatMap(({ roots }) => roots.filter(({ span }) => isRoot(span)))
      .map((root) => [root.span.spanId, Array.from(walkTrees([root]), ({ tree }) => tree.span)]),
  );

/**
 * What came of a trace after it was drawn (a crash loop after "complete", an eviction): a line for each error, however many
 * objects have it, and one for all that went well.
 */
export function describeLater(trace: readonly Span[], shown: ReadonlySet<string>, look: Look): string[] {
  const root = trace.find(isRoot)!;
  const later = trace.filter(({ spanId }) => !shown.has(spanId));
  const [errors = [], others = []] = [true, false].map((isError) =>
    later.filter(({ status }) => (status.code === 'ERROR') === isError),
  );
  const after = `after ${titleOf(root)}: `;
  const lines = [...byName(errors)].map(([name, those]) => {
    const last = those.at(-1)!;
    const what = `${name} ${withContainer(objectName(last), containerName(last))}${times(those)}`;
    const message = messageOf(last);
    return paint('31', cutEnd(`✗ ${after}${what}${message === '' ? '' : `: ${message}`}`, look.width), look);
  });
  if (others.length === 0) return lines;
  const names = [...byName(others)].map(([name, those]) => `${name}${times(those)}`);
  return [...lines, paint('2', cutEnd(`+ ${after}${names.join(', ')}`, look.width), look)];
}

const byName = (spans: readonly Span[]): Map<string, Span[]> =>
  Map.groupBy(spans, ({ name }) => oneLine(name));

const times = ({ length }: readonly Span[]): string => (length === 1 ? '' : ` ×${length}`);
