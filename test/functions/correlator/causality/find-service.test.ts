/** Of which application a root tells. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../../../../functions/correlator/causality/assemble.ts';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { atTheEnd, event, rollout, snapshot, spansOf, thing } from './cluster-story.ts';

const { deployment, replicaSet, pod } = rollout(0);
const resourceOfRoot = (...observations: Observation[]) =>
  spansOf(...observations).find(({ parentSpanId }) => parentSpanId === null)!.resource;
type Marks = Pick<ObjectSnapshot['object'], 'labels' | 'annotations'>;
const applied = (own: Marks, ofPod: Marks = {}) =>
  resourceOfRoot(
    snapshot(0, deployment, { replicas: 1, ...own }),
    snapshot(0.01, replicaSet),
    event(0.02, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
    snapshot(0.03, pod, ofPod),
    event(0.05, pod, 'Scheduled', 'Successfully assigned shop/web-1-a to n1'),
  );

describe('the resource of a root', () => {
  it('is named as the workload is', () => {
    expect(applied({})).toEqual({
      'service.name': 'web',
      'service.namespace': 'shop',
      'rootspan.component': 'kubernetes',
    });
  });

  const labels = {
    'app.kubernetes.io/instance': 'checkout-eu',
    'app.kubernetes.io/name': 'checkout',
    'app.kubernetes.io/version': '1.4.2',
  };

  it('by well-known labels, the instance before the name', () => {
    expect(applied({ labels })).toMatchObject({ 'service.name': 'checkout-eu', 'service.version': '1.4.2' });
    const { 'app.kubernetes.io/instance': _, ...others } = labels;
    expect(applied({ labels: others })).toMatchObject({ 'service.name': 'checkout' });
    const empty = { ...labels, 'app.kubernetes.io/instance': '' };
    expect(applied({ labels: empty })).toMatchObject({ 'service.name': 'checkout' });
  });

  it('by annotations before everything else; all that they say is told', () => {
    const annotations = {
      'resource.opentelemetry.io/service.name': 'till',
      'resource.opentelemetry.io/service.namespace': 'retail',
      'resource.opentelemetry.io/service.version': '2',
      'resource.opentelemetry.io/deployment.environment.name': 'prod',
      'deployment.kubernetes.io/revision': '1',
    };
    expect(applied({ labels, annotations })).toEqual({
      'service.name': 'till',
      'service.namespace': 'retail',
      'service.version': '2',
      'deployment.environment.name': 'prod',
      'rootspan.component': 'kubernetes',
    });
  });

  it('by those of its pods, which the template has', () => {
    expect(applied({}, { labels })).toMatchObject({ 'service.name': 'checkout-eu' });
    const annotations = { 'resource.opentelemetry.io/service.name': 'till' };
    expect(applied({ labels }, { annotations })).toMatchObject({ 'service.name': 'till' });
  });

  it('of a run is its CronJob’s', () => {
    const cron = thing('CronJob', 'nightly');
    const job = thing('Job', 'nightly-1', cron);
    const spans = spansOf(
      snapshot(-100, cron),
      snapshot(0, job),
      event(0, cron, 'SuccessfulCreate', 'Created job nightly-1'),
    );
    expect(spans.find(({ name }) => name === 'Job.Run')!.resource['service.name']).toBe('nightly');
  });

  it('is that of an object of any kind that owns pods, or what owns them', () => {
    const shop = thing('ShopCluster', 'main');
    const web = thing('Deployment', 'web', shop);
    const begun = event(1, shop, 'Reconciling', 'reconciling');
    const resource = resourceOfRoot(snapshot(0, shop), begun, snapshot(2, web));
    expect(resource).toMatchObject({ 'service.name': 'main' });
  });

  it('of what owns Nodes alone stays the component’s', () => {
    const claim = thing('NodeClaim', 'default-x7');
    const launched = event(1, claim, 'Launched', 'launched', { reporter: { component: 'karpenter' } });
    const resource = resourceOfRoot(snapshot(0, claim), launched, snapshot(2, thing('Node', 'n1', claim)));
    expect(resource).toEqual({ 'service.name': 'karpenter' });
  });

  it('of what runs no application stays the component’s, and so do all other spans', () => {
    const node = thing('Node', 'n1');
    const reporter = { component: 'kubelet', instance: 'n1' };
    expect(resourceOfRoot(event(0, node, 'NodeNotReady', 'Node n1 is not ready', { reporter }))).toEqual({
      'service.name': 'kubelet',
      'service.instance.id': 'n1',
    });
    const spans = spansOf(...rollout(0).observations);
    expect(new Set(spans.slice(1).map(({ resource }) => resource['service.name']))).toEqual(
      new Set(['test']),
    );
  });
});

describe('what is true of a whole cluster', () => {
  const attributes = { 'deployment.environment.name': 'prod', 'cloud.region': 'eu-west-1' };
  const resources = (observations: Observation[]) =>
    assemble({ cluster: { uid: 'c', attributes }, observations, now: atTheEnd }).map(
      ({ span }) => span.resource,
    );

  it('is in the resource of each span', () => {
    const told = resources(rollout(0).observations);
    expect(told.length).toBeGreaterThan(3);
    for (const resource of told) expect(resource).toMatchObject({ ...attributes, 'k8s.cluster.uid': 'c' });
  });

  it('is not what a workload says of itself', () => {
    const { deployment, observations } = rollout(0);
    const [, ...rest] = observations;
    const annotations = { 'resource.opentelemetry.io/deployment.environment.name': 'canary' };
    const [root] = resources([snapshot(0, deployment, { annotations }), ...rest]);
    expect(root).toMatchObject({ ...attributes, 'deployment.environment.name': 'canary' });
  });
});
