import { describe, expect, it } from 'vitest';
import { createApiServer } from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { createDiscover } from '../../../../functions/forwarder/kubernetes/discover-kinds.ts';
import {
  customKinds,
  type KindToWatch,
  kindsOf,
} from '../../../../functions/forwarder/kubernetes/watched-resources.ts';
import { type FakeResource, pods, startFakeApiServer } from './fake-api-server.ts';

const signal = new AbortController().signal;
const of = (apiVersion: string, kind: string, resource = `${kind.toLowerCase()}s`): FakeResource => ({
  apiVersion,
  kind,
  resource,
});
const rollouts = of('argoproj.io/v1alpha1', 'Rollout');
const controllers = of('v1', 'ReplicationController');

async function discovering(resources: readonly FakeResource[], wanted: readonly KindToWatch[]) {
  const server = await startFakeApiServer({ resources: [pods, ...resources] });
  const api = createApiServer(server.kubeConfig(), { callTimeout: 1_000 });
  const discover = createDiscover(api, wanted);
  return {
    server,
    /** What is there, as `name: apiVersion Kind`. */
    async found(): Promise<string[]> {
      const served = await discover(signal);
      return [...served].flatMap(([name, resource]) =>
        resource === undefined ? [] : [`${name}: ${resource.apiVersion} ${resource.kind}`],
      );
    },
    served: () => discover(signal),
    async [Symbol.asyncDispose]() {
      api.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('what is installed', () => {
  it('is what the API server’s tables have of it; a group that is missing costs nothing', async () => {
    const sources = of('source.toolkit.fluxcd.io/v1', 'GitRepository', 'gitrepositories');
    await using cluster = await discovering([rollouts, controllers, sources], kindsOf(customKinds));
    expect(await cluster.found()).toEqual([
      'replicationcontrollers: v1 ReplicationController',
      'rollouts.argoproj.io: argoproj.io/v1alpha1 Rollout',
      'gitrepositories.source.toolkit.fluxcd.io: source.toolkit.fluxcd.io/v1 GitRepository',
    ]);
    expect(Object.fromEntries(cluster.server.requests)).toEqual({
      'discovery /apis': 1,
      'discovery /api/v1': 1,
      'discovery /apis/argoproj.io/v1alpha1': 1,
      'discovery /apis/source.toolkit.fluxcd.io/v1': 1,
    });
  });

  it('is in the version that the API server prefers, else in one that has it', async () => {
    const [run, custom] = [of('tekton.dev/v1', 'TaskRun'), of('tekton.dev/v1beta1', 'CustomRun')];
    const older = of('tekton.dev/v1beta1', 'TaskRun');
    await using cluster = await discovering(
      [run, older, custom],
      kindsOf({ 'tekton.dev': ['taskruns', 'customruns', 'pipelineruns'] }),
    );
    expect(await cluster.found()).toEqual([
      'taskruns.tekton.dev: tekton.dev/v1 TaskRun',
      'customruns.tekton.dev: tekton.dev/v1beta1 CustomRun',
    ]);
    expect((await cluster.served()).has('pipelineruns.tekton.dev')).toBe(true);
  });

  it('is in the version that somebody asks for, as long as that is served', async () => {
    const both = [of('x.io/v2', 'App'), of('x.io/v1', 'App')];
    const found = async (version: string) => {
      await using cluster = await discovering(both, [{ group: 'x.io', resource: 'apps', version }]);
      return await cluster.found();
    };
    expect(await found('v1')).toEqual(['apps.x.io: x.io/v1 App']);
    expect(await found('v1alpha1')).toEqual(['apps.x.io: x.io/v2 App']);
  });

  it('is told again once it comes, and once it is gone', async () => {
    await using cluster = await discovering([], kindsOf({ 'argoproj.io': ['rollouts'] }));
    expect(await cluster.found()).toEqual([]);
    cluster.server.install(rollouts);
    expect(await cluster.found()).toHaveLength(1);
    cluster.server.uninstall(rollouts);
    expect([...(await cluster.served())]).toEqual([['rollouts.argoproj.io', undefined]]);
  });

  it('is not told where an API of others is away; of the others it is', async () => {
    const builds = of('build.openshift.io/v1', 'Build');
    await using cluster = await discovering(
      [rollouts, builds],
      kindsOf({ 'build.openshift.io': ['builds'], 'argoproj.io': ['rollouts'] }),
    );
    cluster.server.troubles.push({ on: /build.openshift/, do: 'status', code: 503 });
    expect([...(await cluster.served()).keys()]).toEqual(['rollouts.argoproj.io']);
    cluster.server.troubles.push({ on: 'discovery', do: 'status', code: 500 });
    await expect(cluster.served()).rejects.toThrow('InternalError');
  });

  it('is never a Secret or a ConfigMap, whatever it is called, nor Events', async () => {
    const disguised = [
      of('x.io/v1', 'Innocent', 'secrets'),
      of('x.io/v1', 'Secret', 'innocents'),
      of('x.io/v1', 'Event', 'happenings'),
    ];
    await using cluster = await discovering(
      disguised,
      kindsOf({ 'x.io': ['secrets', 'innocents', 'happenings'] }),
    );
    expect(await cluster.found()).toEqual([]);
  });
});
