/** What is wrong with traces, whatever they tell. */
import type { Span } from '../../../shared/span.ts';

/** Parents that are not there or in another trace, traces of no root or of several, links to nothing, ids given twice. */
export function brokenIn(spans: readonly Span[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const roots = Map.groupBy(
    spans.filter(({ parentSpanId }) => parentSpanId === null || !byId.has(parentSpanId)),
    ({ traceId }) => traceId,
  );
  const broken = spans.flatMap((span) => {
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    const isRoot = roots.get(span.traceId)?.[0] === span;
    const troubles = [
      parent !== undefined && parent.traceId !== span.traceId && `is in another trace than ${parent.name}`,
      roots.get(span.traceId)?.length !== 1 && 'is in a trace of several roots',
      !isRoot && span.attributes['rootspan.because'] === undefined && 'does not say why it hangs there',
      span.links.some(({ traceId }) => !roots.has(traceId)) && 'links to nothing',
    ];
    return troubles.filter((trouble) => trouble !== false).map((trouble) => `${span.name} ${trouble}`);
  });
  return byId.size === spans.length ? broken : [...broken, 'an id was given twice'];
}

/** Spans that end before they start, and children outside their parents. */
export function outsideIn(spans: readonly Span[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const within = ([start, end]: [bigint, bigint], [from, until]: [bigint, bigint]) =>
    from <= start && start <= end && end <= until;
  return spans.flatMap((span) => {
    const parent = (span.parentSpanId === null ? undefined : byId.get(span.parentSpanId)) ?? span;
    return within(intervalOf(span), intervalOf(parent)) ? [] : [`${span.name} is outside ${parent.name}`];
  });
}

/** Roots whose phases do not add up to the duration, and durations beyond the span. */
export function misspentIn(spans: readonly Span[]): string[] {
  return spans.flatMap((span) => {
    // What a release tells of a change is told by the change's own root, and not with its phases.
    if (span.parentSpanId !== null || span.attributes['rootspan.change.outcome'] === undefined) return [];
    const { 'rootspan.change.duration': duration } = span.attributes;
    const [start, end] = intervalOf(span);
    const spent = Object.entries(span.attributes)
      .filter(([key]) => key.startsWith('rootspan.change.time.'))
      .map(([, seconds]) => Number(seconds));
    const isWithin = Number(duration) >= 0 && Number(duration) <= Number(end - start) / 1e9 + 1e-6;
    const sum = spent.reduce((all, seconds) => all + seconds, 0);
    const isWhole = spent.every((seconds) => seconds > 0) && Math.abs(sum - Number(duration)) < 0.001;
    return isWithin && isWhole ? [] : [`${span.name} spent ${spent} of ${duration} s`];
  });
}

const intervalOf = ({ startTimeUnixNano, endTimeUnixNano }: Span): [bigint, bigint] => [
  BigInt(startTimeUnixNano),
  BigInt(endTimeUnixNano),
];

/** Spans whose parent is in another trace or never came. */
export function astrayIn(spans: readonly Span[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  return spans.flatMap(({ name, traceId, parentSpanId }) => {
    if (parentSpanId === null) return [];
    const parent = byId.get(parentSpanId);
    if (parent === undefined) return `the parent of ${name} never came`;
    return parent.traceId === traceId ? [] : `${name} is in another trace than its parent, ${parent.name}`;
  });
}
