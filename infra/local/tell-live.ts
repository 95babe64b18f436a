/** Lines of `--live` between the traces: a change that is under way, and what came of one after it was drawn. */
import type { Span } from '../../shared/span.ts';
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

/** `… Deployment.Update shop/web is under way for 45 s: ErrImagePull: …`, or what it waits for is not known. */
export function describeUnderWay(root: Span, now: number, look: Look): string {
  const lasts = BigInt(now) * 1_000_000n - BigInt(root.startTimeUnixNano);
  const cause = causeOf(root);
  const text = `… ${titleOf(root)} is under way for ${formatDuration(lasts < 0n ? 0n : lasts)}`;
  const whole = cutEnd(cause === '' ? text : `${text}, blocked: ${cause}`, look.width);
  return paint(cause === '' ? '2' : '33', whole, look);
}

const causeOf = ({ attributes, status }: Span): string => {
  const type = attributes['error.type'];
  const message = oneLine(status.message ?? '');
  if (type === undefined) return message;
  return message.includes(String(type)) ? message : `${oneLine(String(type))}: ${message}`;
};

/** Said once when it is seen, and again where the cause is another: its kind, since its words count attempts. */
export function rememberUnderWay() {
  let told = new Map<string, string>();
  return {
    news(roots: readonly Span[]): Span[] {
      const before = told;
      told = new Map(roots.map((root) => [root.traceId, String(root.attributes['error.type'] ?? '')]));
      return roots.filter(({ traceId }) => before.get(traceId) !== told.get(traceId));
    },
  };
}

/** A line for each kind of thing that came of a trace after it was drawn: a crash loop after "complete", an eviction. */
export function describeLater(trace: readonly Span[], shown: ReadonlySet<string>, look: Look): string[] {
  const root = trace.find(({ parentSpanId }) => parentSpanId === null)!;
  const later = trace.filter(({ spanId }) => !shown.has(spanId));
  const alike = Map.groupBy(later, (span) =>
    JSON.stringify([span.name, objectName(span), containerName(span)]),
  );
  return [...alike.values()].map((those) => {
    const last = those.at(-1)!;
    const failed = those.some(({ status }) => status.code === 'ERROR');
    const times = those.length === 1 ? '' : ` ×${those.length}`;
    const what = `${oneLine(last.name)} ${withContainer(objectName(last), containerName(last))}${times}`;
    const message = failed ? messageOf(last) : '';
    const text = `${failed ? '✗' : '+'} after ${titleOf(root)}: ${what}${message === '' ? '' : `: ${message}`}`;
    return paint(failed ? '31' : '2', cutEnd(text, look.width), look);
  });
}
