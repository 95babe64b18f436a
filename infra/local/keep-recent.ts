/** What `--live` holds on to while it runs for days: no more than so much, the newest, and whole traces only. */
import type { Span } from '../../shared/span.ts';

export interface SpanKeeper {
  add(spans: readonly Span[]): void;
  spans(): readonly Span[];
}

export interface RecentTraces extends SpanKeeper {
  /** Spans, those included that are kept no more. */
  added(): number;
  /** Traces that are kept no more. */
  letGo(): number;
  /** Whether the trace is kept no more: what was sent of it is not known. */
  isLetGo(traceId: string): boolean;
}

/** Ids of traces that were let go: whatever comes late of one would be half of it. */
const rememberedIds = 50_000;

/** The traces that nothing has come of for longest go first; the last one stays, whatever its size. */
export function keepRecentTraces(mostSpans: number): RecentTraces {
  const traces = new Map<string, Span[]>();
  const gone = new Set<string>();
  let kept = 0;
  let added = 0;
  let letGo = 0;
  const take = (span: Span) => {
    added++;
    if (gone.has(span.traceId)) return;
    const trace = traces.get(span.traceId) ?? [];
    traces.delete(span.traceId);
    traces.set(span.traceId, trace);
    trace.push(span);
    kept++;
  };
  return {
    add(spans) {
      for (const span of spans) take(span);
      for (const [id, trace] of traces) {
        if (kept <= mostSpans || traces.size === 1) break;
        traces.delete(id);
        kept -= trace.length;
        letGo++;
        gone.add(id);
        if (gone.size > rememberedIds) gone.delete(gone.values().next().value!);
      }
    },
    spans: () => [...traces.values()].flat(),
    added: () => added,
    letGo: () => letGo,
    isLetGo: (traceId) => gone.has(traceId),
  };
}

export interface RecentRecords {
  add(data: Uint8Array): void;
  all(): readonly Uint8Array[];
  /** Those included that are kept no more. */
  added(): number;
  /** Milliseconds since 1970: when the newest came that is kept no more. */
  goneUntil(): number | undefined;
}

/** @param age milliseconds */
export function keepRecentRecords(
  { age, bytes: mostBytes }: { age: number; bytes: number },
  now: () => number,
): RecentRecords {
  const records: { at: number; data: Uint8Array }[] = [];
  let bytes = 0;
  let added = 0;
  let goneUntil: number | undefined;
  return {
    add(data) {
      const at = now();
      added++;
      records.push({ at, data });
      bytes += data.byteLength;
      let old = 0;
      for (; old < records.length - 1; old++) {
        const record = records[old]!;
        if (bytes <= mostBytes && record.at > at - age) break;
        bytes -= record.data.byteLength;
        goneUntil = record.at;
      }
      records.splice(0, old);
    },
    all: () => records.map(({ data }) => data),
    added: () => added,
    goneUntil: () => goneUntil,
  };
}
