import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../functions/forwarder/kubernetes/api-server.ts';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import {
  type ConnectedApiServer,
  createApiServer,
} from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { events } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { createSpecReader } from '../../../functions/forwarder/read-spec.ts';
import { readObservations } from '../../../infra/local/read-recording.ts';
import { recordCluster } from '../../../infra/local/record.ts';
import {
  type FakeApiServer,
  namespaces,
  pods,
  startFakeApiServer,
} from '../../functions/forwarder/kubernetes/fake-api-server.ts';

let server: FakeApiServer;
let api: ConnectedApiServer;

beforeEach(async () => {
  server = await startFakeApiServer();
  api = createApiServer(server.kubeConfig());
  server.apply(namespaces, { metadata: { name: 'kube-system', uid: 'cluster-1' } });
});
afterEach(async () => {
  api.close();
  await server[Symbol.asyncDispose]();
});

const pod = (name: string, over: Json = {}, namespace = 'shop') => ({
  metadata: { namespace, name, uid: `uid-${name}`, ...over },
  spec: { nodeName: 'n1', containers: [{ env: [{ name: 'PASSWORD', value: 'hunter2' }] }] },
});
const event = (name: string, namespace = 'shop') => ({
  metadata: { namespace, name, uid: `uid-${name}`, managedFields: [{ manager: 'kubelet' }] },
  involvedObject: { kind: 'Pod', namespace, name: 'web-0', uid: 'uid-web-0' },
  reason: 'Started',
  message: 'Container started',
  lastTimestamp: '2026-03-01T12:00:00Z',
  count: 1,
});

/** What a recorder writes while `meanwhile` happens. */
async function record(meanwhile: () => Promise<void> | void, only?: readonly string[]): Promise<Json[]> {
  const stop = new AbortController();
  const lines: Json[] = [];
  const specs = createSpecReader('nobody knows');
  const ports = { api, clock: systemClock, random: () => 0, report: () => {}, specs };
  const recorder = recordCluster(ports, {
    namespaces: only && new Set(only),
    discovery: { lookEvery: 50, leastPause: 10, retryAfter: 10 },
    signal: stop.signal,
  });
  const done = (async () => {
    for await (const line of recorder) lines.push(line);
  })();
  while (server.openWatches() < 9) await sleep(5);
  await meanwhile();
  await sleep(50);
  stop.abort();
  await done;
  return lines;
}

/** `watch kind name`, but for the remarks. */
const said = (lines: readonly Json[]): string[] =>
  lines.flatMap(({ type, watch, object, event }) => {
    if (type !== 'object' && type !== 'event') return [];
    const { kind, metadata } = (object ?? event) as { kind: string; metadata: { name: string } };
    return [`${watch} ${kind} ${metadata.name}`];
  });

describe('a recording of a cluster', () => {
  it('has the cluster, what is there, the Events of before, and what happens', async () => {
    server.apply(pods, pod('web-0'));
    server.apply(events, event('before'));
    const lines = await record(() => {
      server.apply(pods, pod('web-0', { labels: { team: 'nobody ships this' } }));
      server.apply(pods, pod('web-1'));
      server.apply(events, event('during'));
      server.remove(pods, 'web-0', 'shop');
      server.remove(events, 'before', 'shop');
    });
    expect(lines.at(0)?.type).toBe('start');
    expect(lines.at(-1)?.type).toBe('end');
    // Each kind is a watch of its own: between kinds there is no order.
    expect(said(lines).toSorted()).toEqual(
      [
        'LIST Namespace kube-system',
        'LIST Pod web-0',
        'ADDED Event before',
        'ADDED Pod web-1',
        'ADDED Event during',
        'DELETED Pod web-0',
        'DELETED Event before',
      ].toSorted(),
    );
  });

  it('holds no value of a template, and can be read back', async () => {
    server.apply(pods, pod('web-0'));
    const lines = await record(() => void server.apply(events, event('started')));
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('managedFields');
    const read = readObservations(['-'], {
      baseDirectory: '.',
      standardInput: (async function* () {
        yield text;
      })(),
    });
    expect((await Array.fromAsync(read)).map(({ type }) => type).toSorted()).toEqual([
      'event',
      'object',
      'object',
    ]);
  });

  it('has the custom resources that are installed, and those that are installed meanwhile', async () => {
    const [rollouts, apps] = [
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' },
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', resource: 'applications' },
    ];
    const named = (name: string, generation = 1) => ({
      metadata: { namespace: 'shop', name, uid: `uid-${name}`, generation },
    });
    server.install(rollouts);
    server.apply(rollouts, named('web'));
    const lines = await record(async () => {
      while (server.openWatches() < 10) await sleep(5);
      server.install(apps);
      server.apply(apps, named('shop'));
      while (server.openWatches() < 11) await sleep(5);
      server.apply(rollouts, named('web', 2));
      server.apply(apps, named('shop', 2));
      await sleep(20);
      server.uninstall(rollouts);
    });
    expect(said(lines.filter(({ type }) => type === 'object')).toSorted()).toEqual(
      [
        'LIST Namespace kube-system',
        'LIST Rollout web',
        'MODIFIED Rollout web',
        'DELETED Rollout web',
        'LIST Application shop',
        'MODIFIED Application shop',
      ].toSorted(),
    );
    expect(lines.at(-1)?.type).toBe('end');
  });

  it('is of some namespaces only, where that is asked', async () => {
    server.apply(pods, pod('web-0'));
    server.apply(pods, pod('other-0', {}, 'other'));
    const lines = await record(() => void server.apply(events, event('there', 'other')), ['shop']);
    expect(said(lines)).toEqual(['LIST Namespace kube-system', 'LIST Pod web-0']);
  });

  it('says where history is missing, and whose end it did not see', async () => {
    server.apply(pods, pod('web-0'));
    const lines = await record(async () => {
      server.away(true);
      while (server.openWatches() > 0) await sleep(5);
      server.remove(pods, 'web-0', 'shop');
      server.apply(pods, pod('web-1'));
      server.compact();
      server.away(false);
      while (server.openWatches() < 9) await sleep(5);
    });
    expect(lines.filter(({ type, kind }) => type === 'gap' && kind === 'Pod')).toHaveLength(1);
    expect(said(lines)).toEqual([
      'LIST Namespace kube-system',
      'LIST Pod web-0',
      'LIST Pod web-1',
      'DELETED Pod web-0',
    ]);
  });
});
