import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { cutObject } from '../../../functions/forwarder/cut-object.ts';
import { observeObject } from '../../../functions/forwarder/observe.ts';
import { createSpecReader } from '../../../functions/forwarder/read-spec.ts';
import type { ObjectSnapshot } from '../../../shared/observation.ts';
import { recordingFiles, recordingPath } from '../../read-recordings.ts';
import { podInTrouble } from './pod-in-trouble.ts';

const at = '2026-03-01T12:00:00Z';
const specs = createSpecReader('of a test');
const deployment = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    generation: 1,
    labels: { team: 'a', 'helm.sh/chart': 'web-1' },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"password":"hunter2"}' },
    managedFields: [
      { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': {} } },
      {
        manager: 'kube-controller-manager',
        operation: 'Update',
        subresource: 'status',
        fieldsV1: { 'f:status': {} },
      },
    ],
  },
  spec: {
    replicas: 2,
    template: {
      spec: {
        containers: [{ name: 'app', image: 'shop/web:v1', env: [{ name: 'PASSWORD', value: 'hunter2' }] }],
      },
    },
  },
  status: { replicas: 2, conditions: [{ type: 'Progressing', status: 'True' }, { type: 'Strange' }] },
};
const is = { apiVersion: 'apps/v1', kind: 'Deployment' };

const rollout = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Rollout',
  metadata: { name: 'web', namespace: 'shop', uid: 'r1', generation: 3 },
  spec: { replicas: 2, paused: true },
  status: {
    observedGeneration: '3',
    phase: 'Paused',
    conditions: [{ type: 'Progressing', status: 'Unknown', reason: 'RolloutPaused', message: 'paused' }],
  },
};
const pipelineRun = {
  apiVersion: 'tekton.dev/v1',
  kind: 'PipelineRun',
  metadata: { name: 'build', namespace: 'shop', uid: 'p1', generation: 1 },
  status: {
    observedGeneration: 1,
    conditions: [{ type: 'Succeeded', status: 'False', reason: 'Failed', lastTransitionTime: at }],
    childReferences: [{ kind: 'TaskRun', name: 'build-1' }],
  },
};

const rayJob = {
  apiVersion: 'ray.io/v1',
  kind: 'RayJob',
  metadata: { name: 'train', namespace: 'shop', uid: 'u3', generation: 1 },
  spec: { entrypoint: 'python train.py' },
  status: {
    jobStatus: 'FAILED',
    jobDeploymentStatus: 'Failed',
    state: { phase: 'Failed', message: 'exit 1' },
    health: 'red',
    message: 'exit 1',
  },
};

function snapshotOf(raw: unknown) {
  const observed = observeObject(raw, at, false, specs);
  if (!observed.ok) throw new Error(observed.reason);
  return observed.value.object;
}

/** A digest of digests is another one: which paths have one stays the same. */
const withoutDigests = ({ specDigest: _, spec, ...rest }: ObjectSnapshot['object']) => ({
  ...rest,
  ...(spec !== undefined && { values: spec.values, digested: Object.keys(spec.digests) }),
});

describe('an object cut for a recording', () => {
  it('keeps what causality reads, and of what its spec says values of the table and digests', () => {
    const aDigest = expect.stringMatching(/^[\w-]{8}$/);
    expect(cutObject(deployment, is, specs)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u1',
        generation: 1,
        labels: { 'helm.sh/chart': 'web-1' },
        managedFields: [
          { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': {} } },
          { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status' },
        ],
      },
      spec: {
        replicas: 2,
        template: {
          spec: { containers: [{ name: 'app', image: 'shop/web:v1', env: { 'rootspan/digest': aDigest } }] },
        },
      },
      status: { replicas: 2, conditions: [{ type: 'Progressing', status: 'True' }] },
    });
  });

  it('has another digest where the template changed, and the same where only replicas did', () => {
    const digestOf = (spec: object) =>
      snapshotOf(cutObject({ ...deployment, spec: { ...deployment.spec, ...spec } }, is, specs)).specDigest;
    expect(digestOf({ replicas: 9 })).toBe(digestOf({}));
    expect(digestOf({ template: { spec: { containers: [] } } })).not.toBe(digestOf({}));
    expect(digestOf({ paused: true })).not.toBe(digestOf({}));
  });

  it('keeps the time of a restart', () => {
    const restartedAt = '2026-03-01T11:00:00Z';
    const template = {
      ...deployment.spec.template,
      metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } },
    };
    const cut = cutObject({ ...deployment, spec: { template } }, is, specs);
    expect(snapshotOf(cut).restartedAt).toBe(restartedAt);
  });

  it.each([
    ['a pod with an init container that failed and one that waits', podInTrouble],
    ['a Rollout, whose observedGeneration is text', rollout],
    ['a PipelineRun', pipelineRun],
    ['a RayJob, whose words stand elsewhere', rayJob],
  ])('is observed as the whole one: %s', (_, raw) => {
    const whole = snapshotOf(raw);
    expect(withoutDigests(snapshotOf(cutObject(raw, raw, specs)))).toEqual(withoutDigests(whole));
    expect(whole.status).toBeDefined();
  });

  it('has nothing of a container but what the table names', () => {
    const text = JSON.stringify(cutObject(podInTrouble, podInTrouble, specs));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('CrashLoopBackOff');
  });

  it.each(recordingFiles.filter((file) => file.endsWith('.jsonl')))(
    'is observed as the whole one: %s',
    async (file) => {
      for await (const line of createInterface({ input: createReadStream(recordingPath(file)) })) {
        const { type, object } = JSON.parse(line);
        if (type !== 'object') continue;
        const [whole, cut] = [snapshotOf(object), snapshotOf(cutObject(object, object, specs))];
        expect(withoutDigests(cut)).toEqual(withoutDigests(whole));
        if (whole.specDigest !== undefined) expect(cut.specDigest).toBeDefined();
      }
    },
  );
});
