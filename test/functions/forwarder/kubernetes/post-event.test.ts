import { expect, it } from 'vitest';
import { createApiServer } from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { findClusterUid } from '../../../../functions/forwarder/kubernetes/find-cluster.ts';
import { postEvent } from '../../../../functions/forwarder/kubernetes/post-event.ts';
import { namespaces, startFakeApiServer } from './fake-api-server.ts';

const ownEvents = { apiVersion: 'events.k8s.io/v1', kind: 'Event', resource: 'events' };

it('says on its own Pod what is wrong', async () => {
  await using server = await startFakeApiServer();
  const api = createApiServer(server.kubeConfig());
  await postEvent(
    api,
    { namespace: 'rootspan', name: 'forwarder-abc', uid: 'u-1' },
    { type: 'Warning', reason: 'CannotShip', action: 'Shipping', message: 'x'.repeat(2000) },
    Date.parse('2026-01-02T03:04:05.678Z'),
  );
  expect(server.objects(ownEvents)).toMatchObject([
    {
      metadata: { namespace: 'rootspan', name: 'forwarder-abc.1886caf244ffa780' },
      eventTime: '2026-01-02T03:04:05.678000Z',
      type: 'Warning',
      reason: 'CannotShip',
      action: 'Shipping',
      reportingController: 'rootspan-forwarder',
      reportingInstance: 'forwarder-abc',
      regarding: { kind: 'Pod', namespace: 'rootspan', name: 'forwarder-abc', uid: 'u-1' },
      note: 'x'.repeat(1024),
    },
  ]);
  api.close();
});

it('the same again is one Event, and no error', async () => {
  await using server = await startFakeApiServer();
  const api = createApiServer(server.kubeConfig());
  const event = { type: 'Warning', reason: 'CannotShip', action: 'Shipping', message: '' } as const;
  for (const at of [7, 7, 8]) await postEvent(api, { namespace: 'rootspan', name: 'fwd' }, event, at);
  expect(server.objects(ownEvents)).toHaveLength(2);
  api.close();
});

it('knows a cluster by the UID of kube-system', async () => {
  await using server = await startFakeApiServer();
  const api = createApiServer(server.kubeConfig());
  await expect(findClusterUid(api)).rejects.toMatchObject({ status: 404 });
  server.apply(namespaces, { metadata: { name: 'kube-system', uid: 'c-1' } });
  expect(await findClusterUid(api)).toBe('c-1');
  api.close();
});
