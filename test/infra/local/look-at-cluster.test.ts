/** `rootspan trace` on a live cluster: an API server that has what a recording ends with. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConnectedApiServer,
  createApiServer,
} from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { watchedObjects } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { explain } from '../../../infra/local/explain.ts';
import { findTraces } from '../../../infra/local/find-traces.ts';
import { lookAtCluster } from '../../../infra/local/look-at-cluster.ts';
import { readRecording, recordingPath } from '../../read-recordings.ts';

interface RawObject {
  kind: string;
  apiVersion?: string;
  metadata: { uid: string; name: string; namespace?: string };
}

const file = 'deployment-image-update.jsonl';
const namespace = 's-deployment-image-update';

/** The last version of each, as the recording tells it. */
function lastVersions(): RawObject[] {
  const objects = new Map<string, RawObject>();
  for (const line of readFileSync(recordingPath(file), 'utf8').trimEnd().split('\n')) {
    const { type, object, event, watch } = JSON.parse(line);
    const told: RawObject | undefined = type === 'event' ? { kind: 'Event', ...event } : object;
    // Which that recorder left out, and an API server does not.
    if (told?.kind === 'Deployment' && object.status) object.status.replicas = object.status.updatedReplicas;
    if (told === undefined) continue;
    if (watch === 'DELETED' && type === 'object') objects.delete(told.metadata.uid);
    else objects.set(told.metadata.uid, told);
  }
  return [...objects.values()];
}

let server: Server;
let api: ConnectedApiServer;
beforeAll(async () => {
  const there = lastVersions();
  const kindOf = new Map<string, string>([
    ...watchedObjects.map(({ resource, kind }) => [resource, kind] as const),
    ['events', 'Event'],
  ]);
  server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x');
    const [, within, resource = ''] = /(?:\/namespaces\/([^/]+))?\/(\w+)$/.exec(url.pathname) ?? [];
    const name = /metadata\.name=(.*)/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    const items = there.filter(
      ({ kind, metadata }) =>
        kind === kindOf.get(resource) &&
        (within === undefined || metadata.namespace === within) &&
        (name === undefined || metadata.name === name),
    );
    if (url.pathname === '/apis') return response.end('{"groups":[]}');
    if (url.pathname.endsWith('/kube-system'))
      return response.end(
        '{"metadata":{"name":"kube-system","uid":"the-cluster","creationTimestamp":"2026-11-23T00:00:00Z"}}',
      );
    response.end(JSON.stringify({ metadata: {}, items }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  api = createApiServer({
    getCurrentCluster: () => ({ name: 'c', server: address, skipTLSVerify: true }),
    applyToHTTPSOptions: async () => {},
  });
});
afterAll(() => {
  api.close();
  server.close();
});

const look = async (kind: string, name: string, within = namespace) => {
  const wanted = { kind, name, namespace: within };
  return findTraces(await lookAtCluster(api, wanted, within), wanted, { isOneLook: true });
};

describe('what a live cluster tells of a workload', () => {
  it('has the ids that the pipeline sends, the newest first', async () => {
    const roots = explain(await readRecording(file)).filter(({ parentSpanId }) => parentSpanId === null);
    const sent = roots.toSorted((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? 1 : -1));
    const { traces } = await look('deploy', 'web');
    expect(traces.map(({ traceId }) => traceId)).toEqual(sent.map(({ traceId }) => traceId));
    // Nobody saw how the first one ended; that the latest is complete is in its status.
    expect(traces.map(({ outcome }) => outcome)).toEqual(['complete', 'unknown']);
  });

  it.each(['deployment', 'deployments', 'deployments.apps', 'deployments.v1.apps', 'Deployment'])(
    'knows %s',
    async (kind) => {
      expect((await look(kind, 'web')).traces).toHaveLength(2);
    },
  );

  it('a pod has the traces of what owns it', async () => {
    const pod = lastVersions().find(({ kind }) => kind === 'Pod')!;
    const { traces, objects } = await look('po', pod.metadata.name);
    expect(traces).toHaveLength(2);
    expect(objects.map(({ top }) => `${top.kind} ${top.name}`)).toEqual(['Deployment web']);
  });

  it.each([
    [
      'sts',
      'web',
      namespace,
      `no StatefulSet web in namespace ${namespace}; there is a Deployment in namespace ${namespace}`,
    ],
    [
      'deploy',
      'web',
      'default',
      `no Deployment web in namespace default; there is a Deployment in namespace ${namespace}`,
    ],
    ['deploy', 'wbe', namespace, `no Deployment wbe in namespace ${namespace}; is web meant?`],
    [
      'dploy',
      'web',
      namespace,
      'the cluster has no kind dploy that owns workloads or belongs to one; is deploy meant?',
    ],
    [
      'secret',
      'web',
      namespace,
      'the cluster has no kind secret that owns workloads or belongs to one; kubectl api-resources lists its kinds',
    ],
  ])('%s/%s in %s: says what there is instead', async (kind, name, within, message) => {
    await expect(look(kind, name, within)).rejects.toThrow(message);
  });
});
