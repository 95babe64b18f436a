/**
 * What was sent stands: it is not assembled anew, what comes late follows its parent into the trace where that one was sent, and
 * what waits to be sent stays in the trace where something below it was sent, whatever became known since then.
 */
import type { Span } from '../../../shared/span.ts';
import type { AssembledSpan, SentSpan } from './assemble.ts';
import { sentBefore } from './placement/placement-rules.ts';
import { min } from './time.ts';

/** The trace that an episode which begins with this occurrence has; undefined of a root that is no occurrence. */
type EpisodeOf = (entry: AssembledSpan) => string | undefined;

export function keepPromises(
  assembled: readonly AssembledSpan[],
  sent: ReadonlyMap<string, SentSpan>,
  now: bigint,
  episodeOf: EpisodeOf,
): AssembledSpan[] {
  const byId = new Map(assembled.map((entry) => [entry.span.spanId, entry]));
  const held = holdAncestors(byId, sent, episodeOf);
  const traceIds = new Map<string, string>();
  const traceIdOf = (span: Span): string => {
    const { spanId } = span;
    const known = sent.get(spanId)?.traceId ?? held.get(spanId)?.traceId ?? traceIds.get(spanId);
    if (known !== undefined) return known;
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    const traceId = parent === undefined ? span.traceId : traceIdOf(parent.span);
    traceIds.set(spanId, traceId);
    return traceId;
  };
  return assembled.map((entry) => {
    const { span } = entry;
    const promise = sent.get(span.spanId);
    if (promise !== undefined) {
      const finalAt = min(now, entry.finalAt);
      return { ...entry, span: { ...span, ...promise }, final: true, finalAt };
    }
    const { parentSpanId } = held.get(span.spanId) ?? {};
    const placed = parentSpanId === undefined ? span : reparent(span, parentSpanId);
    const links = linksTo(span, ({ spanId, traceId }) => {
      const linked = byId.get(spanId);
      return linked === undefined ? traceId : traceIdOf(linked.span);
    });
    return { ...entry, span: { ...placed, traceId: traceIdOf(span), links } };
  });
}

type Link = Span['links'][number];

/** In the traces in which what they link to was sent, or will be. */
function linksTo({ links }: Span, traceIdOf: (link: Link) => string): Span['links'] {
  if (links.every((link) => traceIdOf(link) === link.traceId)) return links;
  return links
    .map((link) => ({ ...link, traceId: traceIdOf(link) }))
    .sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
}

/** Where a span that waits has to be; `parentSpanId` undefined where its rule put it. */
interface Held {
  traceId: string;
  parentSpanId?: string | null;
}

/** By span id: the ancestors of what was sent that were not sent themselves. */
function holdAncestors(
  byId: ReadonlyMap<string, AssembledSpan>,
  sent: ReadonlyMap<string, SentSpan>,
  episodeOf: EpisodeOf,
): Map<string, Held> {
  const held = new Map<string, Held>();
  const promised = [...promisedTo(byId, sent)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (promised.length === 0) return held;
  const roots = rootsOf(byId, sent);
  const isThere = ([spanId, traceId]: [string, string]) => byId.get(spanId)!.span.traceId === traceId;
  // First what is where it has to be: whatever else is held stays clear of it.
  for (const [spanId, traceId] of [...promised.filter(isThere), ...promised.filter((one) => !isThere(one))]) {
    const above = climb(spanId, traceId, byId, sent, held);
    if (above === undefined) continue;
    const root = roots.get(traceId);
    if (root !== undefined && above.includes(root)) {
      for (const id of above) held.set(id, { traceId });
      continue;
    }
    // Without a root of its own the trace begins where it was to begin, else with what was promised.
    const first = above.find((id) => episodeOf(byId.get(id)!) === traceId) ?? spanId;
    const top = root === undefined ? first : spanId;
    for (const id of above.slice(0, above.indexOf(top) + 1)) held.set(id, { traceId });
    held.set(top, { traceId, parentSpanId: root ?? null });
    if (root === undefined) roots.set(traceId, top);
  }
  return held;
}

/** Of what waits the trace in which a child of it was sent. */
function promisedTo(
  byId: ReadonlyMap<string, AssembledSpan>,
  sent: ReadonlyMap<string, SentSpan>,
): Map<string, string> {
  const promised = new Map<string, string>();
  for (const { parentSpanId, traceId } of sent.values()) {
    if (parentSpanId === null || sent.has(parentSpanId)) continue;
    const parent = byId.get(parentSpanId);
    if (parent === undefined) continue;
    const known = promised.get(parentSpanId);
    if (known === undefined || traceId < known) promised.set(parentSpanId, traceId);
  }
  return promised;
}

/**
 * From the span up to its root, those that wait and may follow it into the trace; undefined where what is above it takes it there
 * anyway.
 */
function climb(
  spanId: string,
  traceId: string,
  byId: ReadonlyMap<string, AssembledSpan>,
  sent: ReadonlyMap<string, SentSpan>,
  held: ReadonlyMap<string, Held>,
): string[] | undefined {
  const above: string[] = [];
  for (let at: string | null = spanId; at !== null; ) {
    const elsewhere = sent.get(at)?.traceId ?? held.get(at)?.traceId;
    if (elsewhere !== undefined) return elsewhere === traceId ? undefined : above;
    const entry = byId.get(at);
    if (entry === undefined) break;
    above.push(at);
    at = entry.span.parentSpanId;
  }
  return above;
}

/** By trace id the span ids of roots that were sent, or wait. */
function rootsOf(
  byId: ReadonlyMap<string, AssembledSpan>,
  sent: ReadonlyMap<string, SentSpan>,
): Map<string, string> {
  const roots = new Map<string, string>();
  for (const { span } of byId.values())
    if (isRoot(span, byId) && !sent.has(span.spanId)) roots.set(span.traceId, span.spanId);
  for (const { spanId, traceId, parentSpanId } of sent.values())
    if (parentSpanId === null) roots.set(traceId, spanId);
  return roots;
}

/** The root of a trace that continues a caller's has a parent that is not here. */
const isRoot = ({ parentSpanId }: Span, byId: ReadonlyMap<string, AssembledSpan>): boolean =>
  parentSpanId === null || !byId.has(parentSpanId);

function reparent(span: Span, parentSpanId: string | null): Span {
  const { 'rootspan.because': _, 'rootspan.evidence': __, ...rest } = span.attributes;
  const why = { 'rootspan.because': sentBefore.name, 'rootspan.evidence': 'time' };
  return { ...span, parentSpanId, attributes: parentSpanId === null ? rest : { ...rest, ...why } };
}
