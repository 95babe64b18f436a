import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../../infra/local/explain.ts';
import { readObservations } from '../../../../infra/local/read-recording.ts';
import type { Span } from '../../../../shared/span.ts';
import { readRecording, recordingFiles, recordingPath } from '../../../read-recordings.ts';

type Line = {
  type: string;
  watch?: string;
  event?: Record<string, unknown>;
  object?: Record<string, unknown>;
};

const recordings = recordingFiles.filter((file) => file.endsWith('.jsonl'));
const linesOf = (file: string): Line[] =>
  readFileSync(recordingPath(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

async function explained(lines: readonly Line[]): Promise<Span[]> {
  const input = [Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'))];
  async function* chunks() {
    yield* input;
  }
  return explain(
    await Array.fromAsync(readObservations(['-'], { baseDirectory: '.', standardInput: chunks() })),
  );
}

/** The same Event as events.k8s.io/v1 shows it. */
function modern(event: Record<string, unknown>): Record<string, unknown> {
  const {
    involvedObject,
    message,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    reportingComponent,
    ...rest
  } = event;
  return {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    regarding: involvedObject,
    note: message,
    reportingController: reportingComponent,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
  };
}

/**
 * Who hangs where; times and outcomes may be coarser where less is known. Where nobody told what the template is, it is the
 * revisions of its ReplicaSet that say that a change brought it back.
 */
const edges = (spans: readonly Span[]) =>
  spans
    .map(({ traceId, spanId, parentSpanId, name, status }) => ({
      traceId,
      spanId,
      parentSpanId,
      name: name.replace(/\.Rollback$/, '.Update'),
      status,
    }))
    .sort((a, b) => (a.spanId < b.spanId ? -1 : 1));

describe.each(recordings)('%s', (file) => {
  it('says the same as events.k8s.io/v1', async () => {
    const lines = linesOf(file).map((line) =>
      line.event === undefined ? line : { ...line, event: modern(line.event) },
    );
    expect(await explained(lines)).toEqual(explain(await readRecording(file)));
  });

  it('keeps its edges when each ReplicaSet is described once', async () => {
    const seen = new Set<string>();
    const lines = linesOf(file).filter(({ object, watch }) => {
      if (object?.kind !== 'ReplicaSet' || watch === 'DELETED') return true;
      const { uid } = object.metadata as { uid: string };
      return !seen.has(uid) && seen.add(uid);
    });
    expect(edges(await explained(lines))).toEqual(edges(explain(await readRecording(file))));
  });
});
