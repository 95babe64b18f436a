/**
 * When `--live` is stopped nobody waits any more for what is not over: it goes where everything else went, as it stands, and never
 * against what was sent.
 */
import { type AssembledSpan, assemble } from '../../functions/correlator/causality/assemble.ts';
import { decodeBatch } from '../../shared/batch-codec.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { isRoot, type Span } from '../../shared/span.ts';
import type { RecentTraces } from './keep-recent.ts';
import type { Pipeline } from './start-pipeline.ts';

export interface OpenTraces {
  cluster: Cluster;
  /** Of what the traces are made. */
  records: readonly Uint8Array[];
  kept: Pick<RecentTraces, 'spans' | 'isLetGo'>;
  /** Milliseconds since 1970: of a trace that began before it, not all that it is made of is among the records. */
  since: number;
  /** Nanoseconds since 1970. */
  now: bigint;
}

export async function sendOpen(
  pipeline: Pick<Pipeline, 'stopSettling' | 'exportSpans'>,
  traces: OpenTraces,
): Promise<void> {
  // First, so that nothing is sent in between of which nobody knows here.
  await pipeline.stopSettling();
  await pipeline.exportSpans(findOpen(traces));
}

/** What was not sent, of traces that are known whole. */
export const findOpen = (traces: OpenTraces): Span[] => findUnsent(traces).map(({ span }) => span);

/** A change without a verdict, or an episode that goes on. */
export interface UnderWay {
  /** As it stands, with what is known of why it is not there yet. */
  root: Span;
  lastError: Span | undefined;
}

/** What is not over; an episode of one occurrence that is no error is nothing that goes on. */
export function findUnderWay(traces: OpenTraces): UnderWay[] {
  const byTrace = Map.groupBy(findUnsent(traces), ({ span }) => span.traceId);
  return [...byTrace.values()].flatMap((those) => {
    const lastError = those.findLast(({ span }) => span.status.code === 'ERROR')?.span;
    return those.flatMap(({ span: root, final }) => {
      if (final || !isRoot(root)) return [];
      const outcome = root.attributes['rootspan.change.outcome'];
      const goesOn =
        outcome === undefined
          ? those.length > 1 || lastError !== undefined
          : outcome === 'unfinished' || outcome === 'stalled';
      return goesOn ? [{ root, lastError }] : [];
    });
  });
}

function findUnsent({ cluster, records, kept, since, now }: OpenTraces): AssembledSpan[] {
  const observations: Observation[] = records.flatMap((bytes) => decodeBatch(bytes).observations);
  const sent = new Map(kept.spans().map((span) => [span.spanId, span]));
  const assembled = assemble({ cluster, observations, sent, now });
  const tooOld = new Set<string>();
  for (const {
    span: { traceId, startTimeUnixNano },
  } of assembled)
    if (BigInt(startTimeUnixNano) < BigInt(since) * 1_000_000n) tooOld.add(traceId);
  return assembled.filter(
    ({ span: { spanId, traceId } }) => !sent.has(spanId) && !tooOld.has(traceId) && !kept.isLetGo(traceId),
  );
}
