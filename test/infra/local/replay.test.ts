import { describe, expect, it } from 'vitest';
import { explain } from '../../../infra/local/explain.ts';
import { startOtlpReceiver } from '../../../infra/local/receive-otlp.ts';
import { replay } from '../../../infra/local/replay.ts';
import { compareSpans } from '../../../shared/span.ts';
import { readRecording, recordingFiles, recordingPath } from '../../read-recordings.ts';

const replayed = (files: readonly string[], endpoint?: URL) =>
  replay({
    files: files.map(recordingPath),
    baseDirectory: '.',
    endpoint: endpoint && { url: endpoint, headers: {}, timeoutMs: 5_000, compression: 'gzip' },
    onProgress: () => {},
    onNote: () => {},
  });

describe.concurrent('a recording through the whole pipeline', () => {
  it.each(recordingFiles)('%s gives the spans of explain', async (file) => {
    const { spans } = await replayed([file]);
    expect(spans.sort(compareSpans)).toEqual(explain(await readRecording(file)));
  });

  it('several at once, of one cluster', async () => {
    const files = ['job.jsonl', 'drain.jsonl', 'preemption.jsonl'];
    const { spans } = await replayed(files);
    const together = (await Promise.all(files.map(readRecording))).flat();
    expect(spans.sort(compareSpans)).toEqual(explain(together));
  });
});

describe.concurrent('the endpoint of the environment', () => {
  it('gets the spans as well', async () => {
    const backend = await startOtlpReceiver();
    try {
      const { spans, undelivered } = await replayed(['job.jsonl'], new URL('/v1/traces', backend.endpoint));
      expect(undelivered).toBeUndefined();
      expect(backend.spans()).toEqual(spans.sort(compareSpans));
    } finally {
      await backend.stop();
    }
  });

  it('that is away holds nothing up, and is told', async () => {
    const { spans, undelivered } = await replayed(['job.jsonl'], new URL('http://127.0.0.1:9/v1/traces'));
    expect(undelivered?.spans).toBe(spans.length);
  });
});
