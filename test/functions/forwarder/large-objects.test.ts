/** Custom resources of a megabyte (an Argo Workflow's nodes, say) that are written all the time: cut when they arrive. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import { createApiServer } from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { watchResource } from '../../../functions/forwarder/kubernetes/watch-resource.ts';
import { startFakeApiServer } from './kubernetes/fake-api-server.ts';
import { createMemoryCluster } from './memory-cluster.ts';
import { runInMemory, told } from './run-in-memory.ts';

const workflows = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', resource: 'workflows' };
const count = 20;

/** A megabyte of JSON, each time another; its phase is all that ships. */
const workflow = (index: number, round: number, phase: string) => (version: string) =>
  JSON.stringify({
    apiVersion: workflows.apiVersion,
    kind: workflows.kind,
    metadata: {
      namespace: 'ci',
      name: `build-${index}`,
      uid: `uid-${index}`,
      generation: 1,
      resourceVersion: version,
    },
    spec: { arguments: 'x'.repeat(500_000) },
    status: {
      phase,
      nodes: Object.fromEntries(
        Array.from({ length: 1_000 }, (_, node) => [`n${node}`, `${round} ${'y'.repeat(500)}`]),
      ),
    },
  });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Bytes that are held. */
const held = (): number => {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

it('of large objects no more is held than what ships, and a change of all else ships nothing', async () => {
  await using server = await startFakeApiServer({ resources: [workflows], history: 10 });
  const put = (index: number, round: number, phase: string) =>
    server.applyText(workflows, { namespace: 'ci', name: `build-${index}` }, workflow(index, round, phase));
  for (let index = 0; index < count; index++) put(index, 0, 'Running');
  const api = createApiServer(server.kubeConfig());
  const ports = { api, clock: systemClock, random: () => 0, report: () => {} };
  let seen = 0;
  let cached = () => 0;
  const cluster = createMemoryCluster();
  cluster.install(workflows);
  const before = held();
  const term = runInMemory(cluster, {
    settings: { watched: [] },
    ports: {
      async *follow(resource, options) {
        if (!resource.isCustom) return;
        for await (const signal of watchResource(ports, resource, options)) {
          yield signal;
          seen++;
        }
      },
      began: ({ cachedObjects }) => {
        cached = cachedObjects;
      },
    },
  });
  const until = async (signals: number) => {
    while (seen < signals) await delay(5);
  };
  await until(count + 2);
  for (let round = 1; round <= 2; round++) {
    for (let index = 0; index < count; index++) put(index, round, 'Running');
    await until(count + 2 + round * count);
  }
  server.compact();
  expect(cached()).toBe(count);
  expect(told(term.arrived)).toEqual([]);
  // 60 MB have come; what is kept of 20 objects are some hundred bytes each.
  expect(held() - before).toBeLessThan(2_000_000);

  put(7, 4, 'Succeeded');
  await until(count + 2 + 2 * count + 1);
  await term.quiet();
  expect(term.arrived).toMatchObject([{ object: { name: 'build-7', status: { phase: 'Succeeded' } } }]);
  expect(JSON.stringify(term.arrived).length).toBeLessThan(1_000);
  await term.stop();
  api.close();
}, 60_000);
