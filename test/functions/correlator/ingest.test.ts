import { describe, expect, it } from 'vitest';
import { activityPartition, type Key } from '../../../functions/correlator/store.ts';
import { encodeBatches, packBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import { startLive } from './arrivals.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { cluster, received, record, recordsOf, startPipeline } from './pipeline.ts';

const { observations, deployment } = rollout(0);
const web = `${cluster.uid}/${deployment.uid}`;

describe('poison', () => {
  it('is set aside with its payload and holds nothing back', async () => {
    const [good] = encodeBatches(cluster, observations).records;
    const pipeline = startPipeline();
    const answer = await pipeline.ingest({
      Records: [record('1', Buffer.from('not a batch')), record('2', good!), record('3', Buffer.from(''))],
    });
    expect(answer.batchItemFailures).toEqual([]);
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
    expect(
      pipeline.poison.map(({ source, payload }) => [source, Buffer.from(payload, 'base64').toString()]),
    ).toEqual([
      ['shardId-000000000000:1', 'not a batch'],
      ['shardId-000000000000:3', ''],
    ]);
  });

  it('among the observations of a record costs only itself', async () => {
    const broken = { type: 'event', observedAt: 'yesterday' } as unknown as Observation;
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([[...observations.slice(0, 3), broken, ...observations.slice(3)]]));
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
    expect(pipeline.poison).toEqual([
      {
        reason: 'observedAt is not an RFC 3339 time between 1970 and 2262',
        payload: `${JSON.stringify({ version: 1, cluster })}\n${JSON.stringify(broken)}`,
        source: 'shardId-000000000000:100010',
      },
    ]);
  });

  it('of a record is one piece, however much of it there is, and is told in few words', async () => {
    const header = JSON.stringify({ version: 1, cluster });
    const flood = packBatch(`${header}\n${'x\n'.repeat(500_000)}`);
    const newer = observations.map((observation) => ({ ...observation, type: `newer ${'n'.repeat(9_999)}` }));
    const pipeline = startPipeline();
    const { records } = encodeBatches(cluster, newer as unknown as Observation[]);
    await pipeline.ingest({ Records: [record('1', flood), record('2', records[0]!)] });
    expect(pipeline.poison).toHaveLength(2);
    for (const { reason } of pipeline.poison) expect(reason.length).toBeLessThan(700);
    expect(pipeline.remarks.filter(({ kind }) => kind === 'set-aside')).toHaveLength(2);
  });

  it('that cannot be set aside comes again with what follows; what came before is done', async () => {
    let isAway = true;
    const pipeline = startPipeline({
      crash: (_, name) => (name === 'keep' && isAway ? 'before' : undefined),
    });
    const [first, last] = [observations.slice(0, 3), observations.slice(3)].map(
      (some) => encodeBatches(cluster, some).records[0]!,
    );
    const records = [record('1', first!), record('2', Buffer.from('?')), record('3', last!)];
    const answer = await pipeline.ingest({ Records: records });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(pipeline.timers).toHaveLength(1);
    isAway = false;
    await pipeline.ingest({ Records: records.slice(1) });
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
    expect(pipeline.poison).toHaveLength(1);
  });
});

it('what comes again is counted, what is tried again because it failed is not', async () => {
  let isAway = true;
  const pipeline = startPipeline({
    crash: (_, name) => (name === 'arm' && isAway ? 'before' : undefined),
  });
  const batch = recordsOf([observations]);
  await expect(pipeline.ingest(batch)).rejects.toThrow();
  isAway = false;
  await pipeline.ingest(batch);
  await pipeline.ingest(recordsOf([observations.slice(0, 2)], { first: 2 }));
  const told = pipeline.remarks.flatMap((remark) => (remark.kind === 'ingested' ? remark : []));
  expect(told.map(({ observations: all, duplicates }) => ({ all, duplicates }))).toEqual([
    { all: observations.length, duplicates: 0 },
    { all: 2, duplicates: 2 },
  ]);
});

describe('the timer', () => {
  it('is one, however much comes while it is pending', async () => {
    const pipeline = startLive();
    for (let n = 1; n <= 8; n += 1) {
      await pipeline.ingest(recordsOf([observations], { first: n }));
      pipeline.wait(2);
    }
    expect(pipeline.timers).toHaveLength(1);
    await pipeline.runTimers(pipeline.timers[0]!.dueAt);
    expect(pipeline.sends).toEqual([]);
    expect(pipeline.timers).toHaveLength(1);
  });

  it('that is about to come, or is lost, is followed by another', async () => {
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([observations]));
    pipeline.timers.length = 0;
    pipeline.wait(15);
    await pipeline.ingest(recordsOf([observations], { first: 2 }));
    expect(pipeline.timers).toHaveLength(0);
    pipeline.wait(1);
    await pipeline.ingest(recordsOf([observations], { first: 3 }));
    expect(pipeline.timers).toHaveLength(1);
  });

  it('is sent before what it follows is written', async () => {
    const pipeline = startPipeline({ crash: (_, name) => (name === 'arm' ? 'before' : undefined) });
    await expect(pipeline.ingest(recordsOf([observations]))).rejects.toThrow('before arm');
    expect(await pipeline.store.list(activityPartition(web))).toEqual([]);
  });
});

describe('what ingest costs', () => {
  it('writes grow with records and activities, not with Events', async () => {
    const counted = async (events: number) => {
      const names: string[] = [];
      const pipeline = startPipeline({ crash: (_, name) => void names.push(name) });
      const pod = thing('Pod', 'a');
      const many = Array.from({ length: events }, (_, n) =>
        event(n / 10, pod, 'BackOff', 'again', { uid: `e${n}` }),
      );
      await pipeline.ingest(recordsOf([many]));
      return names.filter((name) => name === 'put' || name === 'replace' || name === 'arm');
    };
    expect(await counted(500)).toEqual(await counted(1));
  });

  it('asks for nothing that it knows', async () => {
    const asked: string[] = [];
    const pipeline = startPipeline({
      crash: (_, name, [what]) => {
        const partitions =
          name === 'read' ? (what as Key[]).map(({ pk }) => pk) : name === 'list' ? [what] : [];
        asked.push(...partitions.map((pk) => String(pk).split('#')[0]!));
        return undefined;
      },
    });
    await pipeline.ingest(recordsOf([observations]));
    asked.length = 0;
    await pipeline.ingest(recordsOf([observations], { first: 2 }));
    expect(asked).toEqual([]);
  });
});

it('objects that own each other are filed under one of them, which is not merged into itself', async () => {
  const b = thing('Pod', 'b');
  const a = thing('Pod', 'a', b);
  const pipeline = startPipeline();
  // Begun before anybody knows of the ring.
  await pipeline.ingest(recordsOf([[event(0, a, 'Pulled', 'x'), event(0, b, 'Pulled', 'x')]]));
  pipeline.wait(2);
  await pipeline.ingest(recordsOf([[snapshot(0, a), snapshot(0, { ...b, owner: a })]], { first: 2 }));
  await pipeline.runTimers();
  const merged = pipeline.remarks.flatMap((remark) => (remark.kind === 'merged' ? remark : []));
  expect(merged.map(({ activity, into }) => `${activity} into ${into}`)).toEqual([
    'c1/uid-Pod-b into c1/uid-Pod-a',
  ]);
  expect(received(pipeline).filter(({ name }) => name === 'Pod.Pulled')).toHaveLength(2);
});
