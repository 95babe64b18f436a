import { expect, it } from 'vitest';
import type { ApiServer, Json } from '../../../../functions/forwarder/kubernetes/api-server.ts';
import { createApiServer } from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import {
  createLookUp,
  type LookUpResult,
  type LookUpSettings,
  lookUpDefaults,
} from '../../../../functions/forwarder/kubernetes/look-up-object.ts';
import { type FakeResource, pods, startFakeApiServer } from './fake-api-server.ts';

const claims: FakeResource = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  resource: 'persistentvolumeclaims',
};
const secrets: FakeResource = { apiVersion: 'v1', kind: 'Secret', resource: 'secrets' };
const autoscalers: FakeResource = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
};
const volumes: FakeResource = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  resource: 'persistentvolumes',
  namespaced: false,
};
/** Secrets by another name. */
const sealed: FakeResource = { apiVersion: 'vault.example/v1', kind: 'Sealed', resource: 'secrets' };

async function startLookUps(given: Partial<LookUpSettings> = {}) {
  const server = await startFakeApiServer({
    resources: [pods, claims, secrets, autoscalers, volumes, sealed],
  });
  const api = createApiServer(server.kubeConfig(), { callTimeout: 1000 });
  let elapsed = 0;
  const forbidden: string[] = [];
  const lookUp = createLookUp(
    { api, clock: { elapsed: () => elapsed }, onForbidden: (resource) => void forbidden.push(resource) },
    { ...lookUpDefaults, ...given },
  );
  return {
    server,
    lookUp,
    forbidden,
    pass: (milliseconds: number) => {
      elapsed += milliseconds;
    },
    /** Asks for a claim in the namespace shop. */
    claim: (name: string, uid?: string) =>
      lookUp({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name, uid }),
    asked: () => Object.fromEntries(server.requests),
    async [Symbol.asyncDispose]() {
      api.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const inShop = (name: string, more: Json = {}): Json => ({ metadata: { namespace: 'shop', name }, ...more });
const short = (result: LookUpResult) =>
  result.type === 'found' ? `found ${(result.object.metadata as Json).name}` : result.type;

it('finds an object by what an Event says of it; two who ask at once are one call', async () => {
  await using fixture = await startLookUps();
  const claim = fixture.server.apply(claims, inShop('data-0'));
  const { uid } = claim.metadata as { uid: string };
  const answers = await Promise.all([fixture.claim('data-0', uid), fixture.claim('data-0', uid)]);
  expect(answers).toEqual(Array(2).fill({ type: 'found', object: claim }));
  expect(fixture.asked()).toEqual({
    'discovery /api/v1': 1,
    'get /api/v1/namespaces/shop/persistentvolumeclaims/data-0': 1,
  });
});

it('knows groups, objects without a namespace, and references without an apiVersion', async () => {
  await using fixture = await startLookUps();
  fixture.server.apply(autoscalers, inShop('web'));
  fixture.server.apply(volumes, { metadata: { name: 'pv-1' } });
  const { lookUp } = fixture;
  const hpa = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    namespace: 'shop',
    name: 'web',
  };
  expect(short(await lookUp(hpa))).toBe('found web');
  expect(short(await lookUp({ kind: 'PersistentVolume', name: 'pv-1' }))).toBe('found pv-1');
  expect(short(await lookUp({ kind: 'PersistentVolume', namespace: 'default', name: 'pv-1' }))).toBe(
    'found pv-1',
  );
});

it('takes an object that has the name but another UID for none, until it is looked for again', async () => {
  await using fixture = await startLookUps({ goneFor: 60_000 });
  fixture.server.apply(
    claims,
    inShop('data-0', { metadata: { namespace: 'shop', name: 'data-0', uid: 'new' } }),
  );
  expect([short(await fixture.claim('data-0', 'old')), short(await fixture.claim('data-1', 'x'))]).toEqual([
    'gone',
    'gone',
  ]);
  fixture.server.apply(
    claims,
    inShop('data-1', { metadata: { namespace: 'shop', name: 'data-1', uid: 'x' } }),
  );
  expect(short(await fixture.claim('data-1', 'x'))).toBe('gone');
  fixture.pass(60_000);
  expect(short(await fixture.claim('data-1', 'x'))).toBe('found data-1');
  expect(short(await fixture.claim('data-0', 'new'))).toBe('found data-0');
});

it('asks a resource that it may not read only every now and then, and says so once', async () => {
  await using fixture = await startLookUps({ forbiddenFor: 600_000 });
  const refuse = () =>
    fixture.server.troubles.push({ on: 'get', do: 'status', code: 403, reason: 'Forbidden' });
  refuse();
  expect([short(await fixture.claim('a')), short(await fixture.claim('b'))]).toEqual([
    'forbidden',
    'forbidden',
  ]);
  fixture.pass(600_000);
  refuse();
  expect(short(await fixture.claim('c'))).toBe('forbidden');
  expect(fixture.asked()).toEqual({
    'discovery /api/v1': 1,
    'get /api/v1/namespaces/shop/persistentvolumeclaims/a': 1,
    'get /api/v1/namespaces/shop/persistentvolumeclaims/c': 1,
  });
  expect(fixture.forbidden).toEqual(['/api/v1/persistentvolumeclaims']);
});

it('looks for a kind that the cluster does not have only every few minutes', async () => {
  await using fixture = await startLookUps({ unknownKindFor: 300_000 });
  const rollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', namespace: 'shop', name: 'web' };
  const foo = { apiVersion: 'v1', kind: 'Foo', namespace: 'shop', name: 'web' };
  for (let time = 0; time < 3; time++) {
    expect([short(await fixture.lookUp(rollout)), short(await fixture.lookUp(foo))]).toEqual([
      'unknown-kind',
      'unknown-kind',
    ]);
  }
  expect(fixture.asked()).toEqual({ 'discovery /apis/argoproj.io/v1alpha1': 1, 'discovery /api/v1': 1 });
  fixture.pass(300_000);
  await fixture.lookUp(rollout);
  expect(fixture.asked()).toMatchObject({ 'discovery /apis/argoproj.io/v1alpha1': 2 });
});

it('never reads a Secret or a ConfigMap, by whatever name', async () => {
  await using fixture = await startLookUps();
  fixture.server.apply(secrets, inShop('password'));
  fixture.server.apply(sealed, inShop('password'));
  const inNamespace = { namespace: 'shop', name: 'password' };
  const asked = [
    { kind: 'Secret', ...inNamespace },
    { apiVersion: 'v1', kind: 'ConfigMap', ...inNamespace },
    { apiVersion: 'vault.example/v1', kind: 'Sealed', ...inNamespace },
  ];
  for (const reference of asked) expect(await fixture.lookUp(reference)).toEqual({ type: 'never-read' });
  expect(fixture.asked()).toEqual({ 'discovery /apis/vault.example/v1': 1 });
});

it.each([
  { namespace: 'shop', name: '../secrets/password' },
  { namespace: 'shop', name: '..' },
  { namespace: 'shop/secrets/password?', name: 'x' },
  { namespace: 'shop', name: 'x?watch=true' },
])('asks for nothing that is no name: %j', async (reference) => {
  await using fixture = await startLookUps();
  expect(await fixture.lookUp({ kind: 'PersistentVolumeClaim', ...reference })).toEqual({ type: 'gone' });
  expect(
    await fixture.lookUp({ apiVersion: '../api/v1', kind: 'Pod', namespace: 'shop', name: 'web' }),
  ).toEqual({ type: 'unknown-kind' });
  expect(fixture.asked()).toEqual({});
});

it('asks no more often than it may', async () => {
  await using fixture = await startLookUps({ perSecond: 2, burst: 3 });
  const ask = async (names: string) => {
    const answers: string[] = [];
    for (const name of names) answers.push(short(await fixture.claim(name)));
    return answers;
  };
  // One of the three goes to discovery.
  expect(await ask('abcd')).toEqual(['gone', 'gone', 'over-the-limit', 'over-the-limit']);
  fixture.pass(1000);
  expect(await ask('cde')).toEqual(['gone', 'gone', 'over-the-limit']);
  fixture.pass(3_600_000);
  expect(await ask('efgh')).toEqual(['gone', 'gone', 'gone', 'over-the-limit']);
});

it('gives what is there now, not what was there before', async () => {
  await using fixture = await startLookUps();
  fixture.server.apply(claims, inShop('data-0', { status: { phase: 'Pending' } }));
  expect(await fixture.claim('data-0')).toMatchObject({ object: { status: { phase: 'Pending' } } });
  fixture.server.apply(claims, inShop('data-0', { status: { phase: 'Bound' } }));
  expect(await fixture.claim('data-0')).toMatchObject({ object: { status: { phase: 'Bound' } } });
});

it('remembers nothing of an API server that does not answer', async () => {
  await using fixture = await startLookUps();
  fixture.server.apply(claims, inShop('a'));
  fixture.server.troubles.push({ on: 'discovery', do: 'status', code: 503 });
  expect(short(await fixture.claim('a'))).toBe('unavailable');
  fixture.server.troubles.push({ on: 'get', do: 'status', code: 429 });
  expect(short(await fixture.claim('a'))).toBe('unavailable');
  expect(short(await fixture.claim('a'))).toBe('found a');
});

it('takes the resource of a kind, not a subresource that returns it as well', async () => {
  const calls: string[] = [];
  const api: ApiServer = {
    async call(_, path) {
      calls.push(path);
      const resources = [
        { name: 'deployments', kind: 'Deployment', namespaced: true },
        { name: 'deployments/status', kind: 'Deployment', namespaced: true },
      ];
      return path === '/apis/apps/v1' ? { resources } : { metadata: { name: 'web' } };
    },
    lines: () => {
      throw new Error('nobody watches');
    },
  };
  const lookUp = createLookUp({ api, clock: { elapsed: () => 0 }, onForbidden: () => {} });
  await lookUp({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' });
  expect(calls).toEqual(['/apis/apps/v1', '/apis/apps/v1/namespaces/shop/deployments/web']);
});
