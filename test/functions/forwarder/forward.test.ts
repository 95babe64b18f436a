import { describe, expect, it } from 'vitest';
import { forward } from '../../../functions/forwarder/forward.ts';
import type { StreamRecord } from '../../../functions/forwarder/record-sink.ts';
import { explain } from '../../../infra/local/explain.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import { readRecording, recordingFiles } from '../../read-recordings.ts';

async function* from(observations: readonly Observation[]): AsyncGenerator<Observation> {
  yield* observations;
}

async function shipped(observations: readonly Observation[], batchSize: number) {
  const records: StreamRecord[] = [];
  const sink = {
    async put(batch: readonly StreamRecord[]) {
      records.push(...batch);
      return [];
    },
  };
  const report = await forward(from(observations), { uid: 'c1' }, sink, { batchSize });
  return { report, records, observations: records.flatMap(({ data }) => decodeBatch(data).observations) };
}

describe('the forwarder', () => {
  it.each(recordingFiles)('%s: what it leaves out changes no span', async (file) => {
    const observations = await readRecording(file);
    const { observations: arrived, report } = await shipped(observations, 20);
    expect(explain(arrived)).toEqual(explain(observations));
    expect(arrived).toHaveLength(report.events + report.snapshots);
    expect(observations).toHaveLength(report.events + report.snapshots + report.unchanged);
  });

  it('ships a snapshot again only when a field of it changed, and its end always', async () => {
    const [pod] = (await readRecording('deployment-create.jsonl')).filter(({ type }) => type === 'object');
    if (pod?.type !== 'object') throw new Error('no snapshot');
    const touched = { ...pod, object: { ...pod.object, resourceVersion: '999' } };
    const { report } = await shipped(
      [pod, touched, { ...pod, object: { ...pod.object, generation: 2 } }, { ...pod, deleted: true }],
      9,
    );
    expect(report).toMatchObject({ snapshots: 3, unchanged: 1, records: 1 });
    const gone = { ...pod, deleted: true };
    expect((await shipped([gone, gone], 9)).report).toMatchObject({ snapshots: 2, unchanged: 0 });
  });

  const fields: [string, object][] = [
    ['generation', { generation: 7 }],
    ['deletionTimestamp', { deletionTimestamp: '2026-03-01T12:00:00Z' }],
    ['owner', { owner: { kind: 'Other', name: 'x', uid: 'x' } }],
    ['nodeName', { nodeName: 'elsewhere' }],
    ['status.phase', { status: { phase: 'Elsewhere' } }],
    ['status.conditions', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }],
    ['specDigest', { specDigest: 'another' }],
  ];
  it.each(fields)('ships a snapshot in which nothing but %s changed', async (_, change) => {
    const [pod] = (await readRecording('deployment-create.jsonl')).filter(({ type }) => type === 'object');
    if (pod?.type !== 'object') throw new Error('no snapshot');
    const changed = { ...pod, object: { ...pod.object, ...change } };
    const { observations } = await shipped([pod, { ...pod, observedAt: '2026-03-01T12:00:00Z' }, changed], 9);
    expect(observations).toEqual([pod, changed]);
  });

  it('goes on past an observation that fits into no record, and gives it back', async () => {
    const [event] = (await readRecording('job.jsonl')).filter(({ type }) => type === 'event');
    if (event?.type !== 'event') throw new Error('no Event');
    const huge = { ...event, event: { ...event.event, message: 'x'.repeat(600_000) } };
    const { report, observations } = await shipped([event, huge, event], 9);
    expect(observations).toEqual([event, event]);
    expect(report.rejected).toMatchObject([
      { reason: 'larger than 524288 bytes', payload: JSON.stringify(huge) },
    ]);
  });

  it('tells how far it is, each time the sink has acknowledged', async () => {
    const progress: number[] = [];
    const observations = (await readRecording('job.jsonl'))
      .filter(({ type }) => type === 'event')
      .slice(0, 5);
    await forward(
      from(observations),
      {},
      { put: async () => [] },
      {
        batchSize: 2,
        onShipped: ({ events }) => progress.push(events),
      },
    );
    expect(progress).toEqual([2, 4, 5]);
  });

  it('keeps a cluster on one partition key', async () => {
    const { records } = await shipped(await readRecording('job.jsonl'), 5);
    expect(records.length).toBeGreaterThan(3);
    expect(new Set(records.map(({ partitionKey }) => partitionKey))).toEqual(new Set(['c1']));
  });

  it('stops where the sink fails: nothing behind it counts as shipped', async () => {
    const sink = { put: () => Promise.reject(new Error('away')) };
    await expect(forward(from(await readRecording('job.jsonl')), {}, sink, { batchSize: 5 })).rejects.toThrow(
      'away',
    );
  });
});
