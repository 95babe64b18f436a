/** What the backend got beside what `explain` says of the same observations: lost, contradicted, broken, or only different. */
import type { Span } from '../../../shared/span.ts';
import type { Delivery } from './backend.ts';

export interface Verdict {
  /** Of `explain`, and the backend never got them. */
  lost: Span[];
  /** Given twice under one id, and differently: what of it differs. */
  contradicted: { span: Span; differs: string[] }[];
  /** Their parents are in another trace, or were never given. */
  orphans: { span: Span; why: 'parent in another trace' | 'parent never came' }[];
  /** Of one id, but something else than `explain` says; an end may differ where something came after it was sent. */
  different: { span: Span; differs: string[] }[];
  /** `explain` knows nothing of them. */
  unknown: Span[];
  /** Deliveries of what had come before. */
  repeated: number;
}

export function verify(deliveries: readonly Delivery[], explained: readonly Span[]): Verdict {
  const verdict: Verdict = {
    lost: [],
    contradicted: [],
    orphans: [],
    different: [],
    unknown: [],
    repeated: 0,
  };
  const got = new Map<string, Span>();
  for (const { span } of deliveries) {
    const before = got.get(span.spanId);
    if (before === undefined) {
      got.set(span.spanId, span);
      continue;
    }
    verdict.repeated += 1;
    const differs = differences(before, span);
    if (differs.length > 0) verdict.contradicted.push({ span, differs });
  }
  for (const span of got.values()) {
    if (span.parentSpanId === null) continue;
    const parent = got.get(span.parentSpanId);
    if (parent === undefined) verdict.orphans.push({ span, why: 'parent never came' });
    else if (parent.traceId !== span.traceId) verdict.orphans.push({ span, why: 'parent in another trace' });
  }
  const expected = new Map(explained.map((span) => [span.spanId, span]));
  for (const span of expected.values()) {
    const sent = got.get(span.spanId);
    if (sent === undefined) {
      if (!isToldElsewhere(span, explained, got)) verdict.lost.push(span);
    } else {
      const differs = differences(span, sent);
      if (differs.length > 0) verdict.different.push({ span: sent, differs });
    }
  }
  for (const span of got.values()) if (!expected.has(span.spanId)) verdict.unknown.push(span);
  return verdict;
}

/**
 * A release has its ids from its first change. Where that came when the release was sent, it is a late span in it, and all that
 * `explain` says of the release is told under the root that was sent.
 */
function isToldElsewhere(root: Span, explained: readonly Span[], got: ReadonlyMap<string, Span>): boolean {
  if (root.attributes['rootspan.release.key'] === undefined) return false;
  return explained.every(({ spanId, parentSpanId }) => parentSpanId !== root.spanId || got.has(spanId));
}

/** Names of what is not the same, in any order of attributes. */
function differences(a: Span, b: Span): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const names = (Object.keys(a) as (keyof Span)[]).filter(
    (name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]),
  );
  return names.flatMap((name) => (name === 'attributes' ? attributesThatDiffer(a, b) : name));
}

const attributesThatDiffer = (a: Span, b: Span): string[] => {
  const names = [...new Set([...Object.keys(a.attributes), ...Object.keys(b.attributes)])].filter(
    (name) => JSON.stringify(a.attributes[name]) !== JSON.stringify(b.attributes[name]),
  );
  return names.length === 0 ? ['order of attributes'] : names;
};

/** Lines for a person: what was lost or contradicted, with ids and names. */
export function* describeFailures({ lost, contradicted, orphans }: Verdict): Generator<string> {
  for (const { spanId, traceId, name } of lost) yield `lost: ${name} ${spanId} of trace ${traceId}`;
  for (const { span, differs } of contradicted)
    yield `contradicted: ${span.name} ${span.spanId} of trace ${span.traceId}, in ${differs.join(', ')}`;
  for (const { span, why } of orphans)
    yield `${why}: ${span.name} ${span.spanId} of trace ${span.traceId}, under ${span.parentSpanId}`;
}
