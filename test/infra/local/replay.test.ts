import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explain, explainClusters } from '../../../infra/local/explain.ts';
import { listSources } from '../../../infra/local/input/list-sources.ts';
import { readClusters } from '../../../infra/local/read-clusters.ts';
import { startOtlpReceiver } from '../../../infra/local/receive-otlp.ts';
import { replay } from '../../../infra/local/replay.ts';
import { compareSpans } from '../../../shared/span.ts';
import { readRecording, recordingFiles, recordingPath } from '../../read-recordings.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootspan-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The same happens in another cluster: all names are equal, no UID is. */
function inAnotherCluster(file: string, more = ''): string {
  const uid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  const path = join(folder, `${more === '' ? 'unnamed' : 'named'}-${file}`);
  const there = readFileSync(recordingPath(file), 'utf8').replaceAll(
    uid,
    (found) => found.toUpperCase() + more,
  );
  writeFileSync(path, there);
  return path;
}

const replayed = (files: readonly string[], endpoint?: URL) =>
  replay({
    files: files.map(recordingPath),
    baseDirectory: '.',
    endpoint: endpoint && {
      url: endpoint,
      headers: {},
      timeoutMs: 5_000,
      compression: 'gzip',
      protocol: 'http/json',
    },
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

  it('several at once, of clusters of which nothing is known but that they are not one', async () => {
    const files = [
      recordingPath('job.jsonl'),
      inAnotherCluster('job.jsonl'),
      inAnotherCluster('job.jsonl', '-3'),
    ];
    const clusters = await readClusters(await listSources(files, { baseDirectory: '.' }), () => {});
    expect(clusters).toHaveLength(3);
    const { spans } = await replay({
      files,
      baseDirectory: '.',
      onProgress: () => {},
      onNote: () => {},
    });
    expect(spans.sort(compareSpans)).toEqual(explainClusters(clusters));
  });
});

describe.concurrent('releases', () => {
  it('of two clusters are those of explain', async () => {
    const files = ['one', 'other'].map((name) => {
      const path = inAnotherCluster('deployment-image-update.jsonl', `-${name}`);
      const metadata = { name: 'kube-system', uid: `cluster-${name}`, resourceVersion: '1' };
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata };
      const line = { type: 'object', at: '2026-11-23T04:51:48.446Z', watch: 'LIST', object };
      const named = join(folder, `${name}.jsonl`);
      writeFileSync(named, `${readFileSync(path, 'utf8').trimEnd()}\n${JSON.stringify(line)}\n`);
      return named;
    });
    const clusters = await readClusters(await listSources(files, { baseDirectory: '.' }), () => {});
    const explained = explainClusters(clusters);
    expect(explained.filter(({ name }) => name === 'Release.Rollout')).toHaveLength(2);
    const { spans } = await replay({ files, baseDirectory: '.', onProgress: () => {}, onNote: () => {} });
    expect(spans.sort(compareSpans)).toEqual(explained);
  });
});

it('says how much of it is settled, of how much', async () => {
  const shown: string[] = [];
  const onProgress = (stage: string, detail: string) => shown.push(`${stage} ${detail}`);
  await replay({ files: [recordingPath('job.jsonl')], baseDirectory: '.', onProgress, onNote: () => {} });
  const [, done, known] =
    /^settling \((\d+) of (\d+) done\)$/.exec(shown.findLast((line) => line.startsWith('settling'))!) ?? [];
  expect(Number(done)).toBeGreaterThan(0);
  expect(done).toBe(known);
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
