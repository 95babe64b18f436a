/** The store on Amazon's own DynamoDB Local: what the lighter emulator of the other tests does not know. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../functions/correlator/store.ts';
import { event, rollout, snapshot, thing } from '../functions/correlator/causality/cluster-story.ts';
import { received, recordsOf, startPipeline } from '../functions/correlator/pipeline.ts';
import { startDynamoDbStore } from '../functions/correlator/start-dynamodb-store.ts';
import { keepsTheContract } from '../functions/correlator/store-contract.ts';
import { startDynamoDbLocal } from './start-dynamodb-local.ts';

let local: Awaited<ReturnType<typeof startDynamoDbLocal>>;
let started: Awaited<ReturnType<typeof startDynamoDbStore>>;
let store: Store;

beforeAll(async () => {
  local = await startDynamoDbLocal();
  started = await startDynamoDbStore(local.endpoint);
  store = started.make(Date.now);
});

afterAll(async () => {
  started?.close();
  await local?.stop();
});

describe('the store on DynamoDB Local', () => {
  keepsTheContract(async () => ({ make: started.make, stop: async () => {} }));

  it('holds an activity of 10,000 pods, which settles', async () => {
    const { deployment, replicaSet, observations } = rollout(0);
    const pods = Array.from({ length: 10_000 }, (_, i) => thing('Pod', `web-1-p${i}`, replicaSet));
    const story = [
      ...observations,
      ...pods.flatMap((pod, i) => {
        const at = 1 + i / 500;
        return [
          snapshot(at, pod),
          event(at + 0.01, replicaSet, 'SuccessfulCreate', `Created pod: ${pod.name}`),
          event(at + 0.02, pod, 'Scheduled', `Successfully assigned shop/${pod.name} to n${i % 100}`),
          event(at + 1, pod, 'Started', 'Started container app'),
        ];
      }),
    ];
    const pipeline = startPipeline({ store: started.make });
    for (let at = 0; at < story.length; at += 5000) {
      const groups = Array.from({ length: 10 }, (_, i) => story.slice(at + i * 500, at + i * 500 + 500));
      await pipeline.ingest(recordsOf(groups, { first: at + 1 }));
      pipeline.wait(2);
    }
    await pipeline.runTimers();
    const roots = received(pipeline).filter(({ parentSpanId }) => parentSpanId === null);
    expect(roots.map(({ attributes }) => attributes['k8s.object.uid'])).toEqual([deployment.uid]);
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
    expect(received(pipeline).length).toBeGreaterThan(30_000);
    expect(pipeline.remarks.filter(({ kind }) => kind === 'settle-failed')).toEqual([]);
  });

  it('reads a partition of several pages of a megabyte', async () => {
    const expiresAt = Math.ceil(Date.now() / 1000) + 3600;
    const items = Array.from({ length: 30 }, (_, i) => ({
      pk: 'pages',
      sk: String(i).padStart(2, '0'),
      expiresAt,
      body: new Uint8Array(300_000).fill(i),
    }));
    await store.put(items);
    expect(await store.list('pages')).toEqual(items);
  });
});
