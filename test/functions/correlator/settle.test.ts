import { describe, expect, it } from 'vitest';
import { familyItems } from '../../../functions/correlator/owners.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { readRecording } from '../../read-recordings.ts';
import { noon, startLive } from './arrivals.ts';
import { atTheEnd, event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { type Pipeline, received, recordsOf, startPipeline, wholeStory } from './pipeline.ts';

describe('the pipeline', () => {
  it('sends the spans of a rollout once it is quiet', async () => {
    const { observations } = rollout(0);
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    expect(received(pipeline)).toEqual(wholeStory(observations));
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
  });
});

const names = (spans: readonly Span[]) => spans.map(({ name }) => name);

describe('live', () => {
  it('holds an open trace back, and sends its root a quarter of an hour after the last word', async () => {
    const { observations } = rollout(0);
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers(noon + 60_000);
    const early = names(received(pipeline));
    expect(early).not.toContain('Deployment.Create');
    await pipeline.runTimers();
    expect(names(received(pipeline))).toContain('Deployment.Create');
    expect(names(received(pipeline))).toHaveLength(4);
    expect(pipeline.timers).toEqual([]);
    expect(pipeline.now).toBeLessThan(noon + 20 * 60_000);
  });

  it('settles what never goes quiet, after five minutes', async () => {
    const { observations, pod } = rollout(0);
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([observations]));
    for (let second = 5; second <= 400; second += 5) {
      await pipeline.runTimers(noon + second * 1000);
      pipeline.now = noon + second * 1000;
      const again = event(second, pod, 'Pulled', `image ${second}`);
      await pipeline.ingest(recordsOf([[again]], { first: second }));
      const settled = pipeline.remarks.some(({ kind }) => kind === 'settled');
      // At the first look after that.
      if (second < 300 || second > 330) expect(settled).toBe(second > 300);
    }
  });

  it('sends each span once, and each again exactly as before, when settles crash and late Events come in between', async () => {
    const { observations, pod } = rollout(0);
    const more = [
      event(1, pod, 'Pulling', 'Pulling image "web"'),
      event(4, pod, 'Pulled', 'Successfully pulled image "web"'),
      event(5, pod, 'Created', 'Created container web'),
      event(6, pod, 'Started', 'Started container web'),
    ];
    const late = [event(3, pod, 'FailedMount', 'late'), event(7, pod, 'Unhealthy', 'late too')];
    const pass = async (crash: (call: number) => 'before' | 'after' | undefined) => {
      let isLate = false;
      const pipeline = startLive({
        crash,
        onFailure: async (at) => {
          if (isLate) return;
          isLate = true;
          await at.ingestUntilDone(recordsOf([late], { first: 2 }));
        },
      });
      await pipeline.ingestUntilDone(recordsOf([[...observations, ...more]]));
      await pipeline.runTimers();
      if (!isLate) await pipeline.ingestUntilDone(recordsOf([late], { first: 2 }));
      await pipeline.runTimers();
      return pipeline;
    };
    const calm = await pass(() => undefined);
    const ids = received(calm)
      .map(({ spanId }) => spanId)
      .sort();
    expect(ids).toHaveLength(10);
    let repeated = 0;
    for (let at = 1; at <= calm.calls; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const pipeline = await pass((call) => (call === at ? when : undefined));
        const spans = received(pipeline);
        expect(spans.map(({ spanId }) => spanId).sort(), `${when} ${at}`).toEqual(ids);
        if (pipeline.sends.flat().length > spans.length) repeated += 1;
      }
    }
    expect(repeated).toBeGreaterThan(0);
  });

  it('is done by one of two settles of one activity at the same time', async () => {
    const { observations } = rollout(0);
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([observations]));
    const [timer] = pipeline.timers.splice(0);
    pipeline.now = timer!.dueAt;
    await Promise.all([pipeline.settle(timer!), pipeline.settle(timer!)]);
    const again = pipeline.timers.splice(0).at(-1)!;
    pipeline.now = again.dueAt;
    await Promise.all([pipeline.settle(again), pipeline.settle(again), pipeline.settle(again)]);
    await pipeline.runTimers();
    expect(names(received(pipeline))).toHaveLength(4);
  });

  it('settles what comes while it settles another time', async () => {
    const { observations, pod } = rollout(0);
    let isLate = false;
    const pipeline = startPipeline({
      meanwhile: async (name, at) => {
        if (name !== 'send' || isLate) return;
        isLate = true;
        await at.ingest(recordsOf([[event(2, pod, 'Pulled', 'late')]], { first: 2 }));
      },
    });
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    expect(names(received(pipeline))).toHaveLength(5);
  });

  it('leaves to a later timer what that one will do', async () => {
    const { observations } = rollout(0);
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([observations]));
    const [first] = pipeline.timers.splice(0);
    pipeline.wait(26);
    await pipeline.ingest(recordsOf([observations], { first: 2 }));
    const [second] = pipeline.timers;
    expect(second!.dueAt).toBe(first!.dueAt + 26_000);
    pipeline.now = first!.dueAt;
    await pipeline.settle(first!);
    expect(pipeline.timers).toEqual([second]);
    expect(pipeline.sends).toEqual([]);
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
    expect(
      await pipeline.settle({ id: 't', activities: ['c1/nobody'], dueAt: second!.dueAt, armedAt: noon }),
    ).toBe(true);
  });
});

describe('what meets', () => {
  it('is found whoever settles first', async () => {
    // A Node's cordon and the eviction of a Deployment's pod, each quiet at another time.
    const observations = await readRecording('drain.jsonl');
    const of = clusterOf(observations);
    const isNode = ({ type, ...rest }: Observation) =>
      'event' in rest ? rest.event.subject.kind === 'Node' : 'object' in rest && rest.object.kind === 'Node';
    for (const nodeFirst of [true, false]) {
      const [first, second] = nodeFirst
        ? [observations.filter(isNode), observations.filter((o) => !isNode(o))]
        : [observations.filter((o) => !isNode(o)), observations.filter(isNode)];
      const pipeline = startPipeline();
      await pipeline.ingest(recordsOf([first!], { of }));
      pipeline.wait(9);
      await pipeline.ingest(recordsOf([second!], { first: 2, of }));
      await pipeline.runTimers();
      expect(received(pipeline)).toEqual(wholeStory(observations, of));
    }
  });

  it('is found by a Node that has long been where they meet', async () => {
    const observations = await readRecording('drain.jsonl');
    const of = clusterOf(observations);
    const isNode = ({ type, ...rest }: Observation) =>
      'event' in rest ? rest.event.subject.kind === 'Node' : 'object' in rest && rest.object.kind === 'Node';
    const nodes = observations.filter(isNode);
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([nodes.filter(({ type }) => type !== 'event')], { of }));
    await pipeline.runTimers();
    pipeline.wait(600);
    await pipeline.ingest(recordsOf([nodes], { first: 2, of }));
    pipeline.wait(1);
    await pipeline.ingest(recordsOf([observations.filter((o) => !isNode(o))], { first: 3, of }));
    await pipeline.runTimers();
    expect(received(pipeline)).toEqual(wholeStory(observations, of));
  });

  it('is looked at again when it had settled before the other came', async () => {
    const node = { ...thing('Node', 'n1'), uid: 'n1' };
    const pipeline = startLive();
    const cordon = event(0, node, 'NodeNotSchedulable', 'x', { namespace: 'default' });
    await pipeline.ingest(recordsOf([[snapshot(0, node), cordon]]));
    await pipeline.runTimers(noon + 100_000);
    const settles = () =>
      pipeline.remarks.flatMap((remark) =>
        remark.kind === 'settled' && remark.activity === 'c1/Node//n1' ? remark.related : [],
      );
    expect(settles()).toEqual([1]);
    expect(pipeline.sends).toEqual([]);
    const evicted = snapshot(101, thing('Pod', 'a'), {
      nodeName: 'n1',
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
    });
    pipeline.now = noon + 101_000;
    await pipeline.ingest(recordsOf([[evicted]], { first: 2 }));
    // When its trace is over.
    await pipeline.runTimers();
    expect(settles()).toEqual([1, 2]);
    expect(received(pipeline)).toEqual(wholeStory([snapshot(0, node), cordon, evicted]));
  });

  it('is waited for while it is not quiet, a minute at most', async () => {
    const node = { ...thing('Node', 'n1'), uid: 'n1' };
    const pod = thing('Pod', 'a');
    const disrupted = {
      nodeName: 'n1',
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
    };
    const pipeline = startLive();
    const cordon = (at: number) => event(at, node, 'NodeNotSchedulable', `${at}`, { namespace: 'default' });
    await pipeline.ingest(recordsOf([[snapshot(0, pod, disrupted), event(1, pod, 'Killing', 'x')]]));
    const settled = () =>
      pipeline.remarks.some((remark) => remark.kind === 'settled' && remark.activity === `c1/${pod.uid}`);
    let at = 0;
    for (; !settled() && at < 200; at += 5) {
      await pipeline.ingest(recordsOf([[cordon(at)]], { first: at + 2 }));
      await pipeline.runTimers(noon + (at + 5) * 1000);
      pipeline.now = noon + (at + 5) * 1000;
    }
    expect(at).toBeGreaterThanOrEqual(75);
    expect(at).toBeLessThanOrEqual(100);
  });
});

it('what was filed while another function learned of the owner moves to the root, and is settled there', async () => {
  const { deployment, replicaSet, observations } = rollout(0);
  const late = event(1, replicaSet, 'FailedCreate', 'x');
  const pipeline = startPipeline();
  await pipeline.ingest(recordsOf([[late]]));
  const known = { owner: { id: deployment.uid, family: 'web' }, by: 'another' };
  const objects = new Map([[replicaSet.uid, known]]);
  const learned = { batch: 'another', objects, isLarge: false };
  await pipeline.store.put(familyItems('c1', 'web-1', learned, 0, 10 ** 10));
  await pipeline.runTimers();
  expect(pipeline.remarks).toContainEqual({
    kind: 'merged',
    activity: `c1/${replicaSet.uid}`,
    into: `c1/${deployment.uid}`,
    chunks: 1,
  });
  expect(names(received(pipeline))).toEqual(['ReplicaSet.FailedCreate']);
  await pipeline.ingest(recordsOf([observations], { first: 2 }));
  await pipeline.runTimers();
  expect(names(received(pipeline))).toHaveLength(5);
});

it('an Event of an object that nobody describes is sent after a minute', async () => {
  const pipeline = startPipeline({ start: noon });
  await pipeline.ingest(recordsOf([[event(0, thing('Job', 'gone'), 'FailedMount', 'x')]]));
  await pipeline.runTimers(noon + 59_000);
  expect(pipeline.sends).toEqual([]);
  await pipeline.runTimers(noon + 90_000);
  expect(names(received(pipeline))).toEqual(['Job.FailedMount']);
});

describe('figures', () => {
  const settles = ({ remarks }: Pick<Pipeline, 'remarks'>) =>
    remarks.flatMap((remark) => (remark.kind === 'settled' ? remark : []));

  it('what comes after its trace was closed is late', async () => {
    const { observations, pod } = rollout(0);
    const pipeline = startPipeline({ start: noon, assemblyClock: () => atTheEnd });
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    await pipeline.ingest(recordsOf([[event(3, pod, 'Pulled', 'late')]], { first: 2 }));
    await pipeline.runTimers();
    expect(settles(pipeline).map(({ sent, late, unresolved }) => ({ sent, late, unresolved }))).toEqual([
      { sent: 4, late: 0, unresolved: 0 },
      { sent: 1, late: 1, unresolved: 0 },
    ]);
  });

  it('what nobody describes is postponed, then sent as unresolved', async () => {
    const pipeline = startPipeline({ start: noon });
    await pipeline.ingest(recordsOf([[event(0, thing('Job', 'gone'), 'FailedMount', 'x')]]));
    await pipeline.runTimers();
    expect(pipeline.remarks.filter(({ kind }) => kind === 'postponed')).toEqual([
      { kind: 'postponed', activity: 'c1/uid-Job-gone', seconds: 39, age: 21 },
    ]);
    const [spans] = pipeline.sends;
    expect(settles(pipeline)).toMatchObject([
      { sent: 1, late: 0, unresolved: 1, age: 60, traceIds: [spans![0]!.traceId] },
    ]);
  });
});

it('a message that is no timer is set aside', async () => {
  const pipeline = startPipeline();
  expect(await pipeline.settle({ id: 't', activities: ['nonsense'], dueAt: 1, armedAt: 0 })).toBe(true);
  expect(pipeline.poison).toHaveLength(1);
});
