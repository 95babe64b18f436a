/** What a quiet hour costs: every way by which something could be billed, counted. */
import { expect, it } from 'vitest';
import { readRecording } from '../read-recordings.ts';
import { recordsOf, startPipeline } from './correlator/pipeline.ts';
import { anObject, createMemoryCluster } from './forwarder/memory-cluster.ts';
import { createTestClock, runInMemory } from './forwarder/run-in-memory.ts';

const hour = 3_600_000;

it('a cluster in which only Nodes and their heartbeats are to be heard puts nothing on the stream for an hour', async () => {
  const cluster = createMemoryCluster();
  const clock = createTestClock();
  const beat = (node: string, minute: number) =>
    cluster.put(
      anObject('v1', 'Node', node, undefined, {
        status: {
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              lastTransitionTime: '2026-03-01T00:00:00Z',
              lastHeartbeatTime: new Date(clock.now()).toISOString(),
            },
          ],
          images: [{ sizeBytes: minute }],
        },
      }),
    );
  for (const node of ['n1', 'n2', 'n3']) beat(node, 0);
  const term = runInMemory(cluster, { clock });
  await term.quiet();
  for (let minute = 1; minute <= 60; minute++) {
    clock.skip(60_000);
    for (const node of ['n1', 'n2', 'n3']) beat(node, minute);
    await term.quiet();
  }
  expect(term.arrived).toEqual([]);
  const [node] = cluster.objects();
  cluster.put({ ...node!, spec: { unschedulable: true } });
  await term.quiet();
  expect(term.arrived).toHaveLength(1);
  await term.stop();
});

it('once its traces are closed the pipeline calls nothing and waits for nothing', async () => {
  const start = Date.parse('2026-11-23T04:53:00Z');
  const pipeline = startPipeline({ start });
  await pipeline.ingest(recordsOf([await readRecording('deployment-image-update.jsonl')]));
  await pipeline.runTimers();
  const { calls } = pipeline;
  expect(calls).toBeGreaterThan(0);
  await pipeline.runTimers(pipeline.now + hour);
  pipeline.now += hour;
  expect(pipeline.timers).toEqual([]);
  expect(pipeline.calls).toBe(calls);
});
