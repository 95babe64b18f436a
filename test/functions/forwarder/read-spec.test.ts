import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutObject } from '../../../functions/forwarder/cut-object.ts';
import { newDigestKey } from '../../../functions/forwarder/digest.ts';
import { createSpecReader } from '../../../functions/forwarder/read-spec.ts';
import { explain } from '../../../infra/local/explain.ts';
import { checkProperty } from '../../check-property.ts';
import { anObject, createMemoryCluster, type Raw } from './memory-cluster.ts';
import { runInMemory } from './run-in-memory.ts';

const specs = createSpecReader('a key');
const describeSpec = (spec: object, kind = 'Deployment', reader = specs) =>
  reader.read({ kind, metadata: { generation: 1 }, spec }, false).description;

const container = {
  name: 'app',
  image: 'registry.test/tiny:v1',
  env: [{ name: 'TOKEN', value: 'a' }],
  resources: { limits: { memory: '60Mi', 'nvidia.com/gpu': 1 } },
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
};
const webSpec = {
  replicas: 2,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
  template: {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [container], securityContext: {}, tolerations: [{ key: 'a' }] },
  },
};
const aDigest = expect.stringMatching(/^[\w-]{8}$/);

describe('a spec', () => {
  it('is told by its paths: values of the table, and digests of all else', () => {
    expect(describeSpec(webSpec)).toEqual({
      key: expect.stringMatching(/^[\w-]{4}$/),
      template: aDigest,
      values: {
        'spec.replicas': 2,
        'spec.strategy.rollingUpdate.maxSurge': '25%',
        'spec.strategy.type': 'RollingUpdate',
        'spec.template.spec.containers[app].image': 'registry.test/tiny:v1',
        'spec.template.spec.containers[app].resources.limits.memory': '60Mi',
      },
      digests: {
        'spec.template.metadata.labels': aDigest,
        'spec.template.spec.containers[app].env': aDigest,
        'spec.template.spec.containers[app].resources': aDigest,
        'spec.template.spec.tolerations': aDigest,
      },
    });
  });

  it('of a custom resource is told by its first two levels', () => {
    const spec = { sourceRef: { name: 'a', branch: { of: 'b' } }, path: './apps', 'odd key!': 1 };
    expect(describeSpec(spec, 'Kustomization')).toMatchObject({
      values: {},
      digests: {
        spec: aDigest,
        'spec.path': aDigest,
        'spec.sourceRef.branch': aDigest,
        'spec.sourceRef.name': aDigest,
      },
    });
  });

  it('of what is owned is not told, but of a Job, which is a run', () => {
    const of = (kind: string) =>
      specs.read({ kind, metadata: { generation: 1 }, spec: webSpec }, true).description;
    expect(of('ReplicaSet')).toBeUndefined();
    expect(of('Job')).toBeDefined();
  });

  it.each(['Application', 'Pod'])('of %s is not told', (kind) => {
    expect(describeSpec(webSpec, kind)).toBeUndefined();
  });

  it('of KubeVela’s Application, which has generations of its own, is told', () => {
    const application = {
      apiVersion: 'core.oam.dev/v1beta1',
      kind: 'Application',
      metadata: { generation: 1 },
    };
    expect(specs.read({ ...application, spec: webSpec }, false).description).toBeDefined();
  });

  it('has at most 200 sections, and one for what is too much', () => {
    const spec = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, i]));
    const { digests } = describeSpec(spec, 'Custom')!;
    expect(Object.keys(digests)).toHaveLength(200);
    expect(describeSpec({ ...spec, a499: 'another' }, 'Custom')!.digests.spec).not.toBe(digests.spec);
  });
});

describe('a digest', () => {
  const envOf = (value: string, key: string) => {
    const spec = { template: { spec: { containers: [{ ...container, env: [{ name: 'PIN', value }] }] } } };
    return describeSpec(spec, 'Deployment', createSpecReader(key))!.digests[
      'spec.template.spec.containers[app].env'
    ];
  };

  it('is the same for the same, and another for another', () => {
    expect(envOf('1234', 'k')).toBe(envOf('1234', 'k'));
    expect(envOf('1235', 'k')).not.toBe(envOf('1234', 'k'));
  });

  it('cannot be guessed without the key of the cluster', () => {
    const [own, others] = [newDigestKey(), newDigestKey()];
    expect(own).toMatch(/^[\w-]{43}$/);
    expect(envOf('1234', own)).not.toBe(envOf('1234', others));
  });
});

/** What nobody would find anywhere by chance. */
const secret = 'hunter2-is-the-password';

/** Any JSON in which each text is the secret, or holds it. */
const anySecret = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(secret, `--token=${secret}`, `${secret}\n`),
    fc.array(tie('json'), { minLength: 1, maxLength: 3 }),
    fc.dictionary(fc.constantFrom('name', 'value', 'key', 'secretRef', 'image', 'spec'), tie('json'), {
      minKeys: 1,
      maxKeys: 3,
    }),
  ),
})).json;

/** The secret in every field that is not on the list, in most of Kubernetes' own and in some of nobody. */
const aContainer = fc
  .record({
    args: anySecret,
    command: anySecret,
    env: anySecret,
    envFrom: anySecret,
    lifecycle: anySecret,
    livenessProbe: anySecret,
    ports: anySecret,
    volumeMounts: anySecret,
    workingDir: anySecret,
    securityContext: anySecret,
    terminationMessagePath: anySecret,
    somethingNew: anySecret,
  })
  .map((fields): object => ({ ...fields, name: 'app', image: 'tiny:v1' }));
const aTemplate = fc
  .record({
    annotations: anySecret,
    labels: anySecret,
    container: aContainer,
    setup: aContainer,
    volumes: anySecret,
    affinity: anySecret,
    hostAliases: anySecret,
    imagePullSecrets: anySecret,
    nodeSelector: anySecret,
  })
  .map(({ annotations, labels, container: own, setup, ...pod }) => ({
    metadata: { annotations, labels, [`${secret}/key`]: secret },
    spec: { ...pod, containers: [own], initContainers: [setup] },
  }));
const is = { apiVersion: 'apps/v1', kind: 'Deployment' };
const anyObject = fc
  .record({
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'CronJob', 'Rollout', 'HelmRelease', 'Job'),
    template: aTemplate,
    strategy: anySecret,
    selector: anySecret,
    values: anySecret,
    note: anySecret,
    metrics: anySecret,
  })
  .map(
    ({ kind, template, note, ...spec }): Raw =>
      anObject(
        kind === 'Rollout' || kind === 'HelmRelease' ? 'x.test/v1' : 'apps/v1',
        kind,
        'web',
        undefined,
        {
          metadata: {
            ...anObject('', kind, 'web').metadata,
            annotations: { note, 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(spec) },
            labels: { note },
          },
          spec: kind === 'CronJob' ? { ...spec, jobTemplate: { spec: { template } } } : { ...spec, template },
          data: note,
        },
      ),
  );

describe('a secret, wherever it stands that is not on the list', () => {
  it('is in no recording', () => {
    checkProperty(
      fc.property(anyObject, (object) => {
        expect(JSON.stringify(cutObject(object, is, specs))).not.toContain(secret);
      }),
    );
  });

  it('is in no record, no remark of the log, and no span', async () => {
    await checkProperty(
      fc.asyncProperty(anyObject, anyObject, async (first, other) => {
        const cluster = createMemoryCluster();
        const term = runInMemory(cluster);
        await term.quiet();
        cluster.put({ ...first, kind: 'Deployment', apiVersion: 'apps/v1' });
        cluster.put({
          ...other,
          kind: 'Deployment',
          apiVersion: 'apps/v1',
          metadata: { ...other.metadata, uid: first.metadata.uid, generation: 2 },
        });
        await term.quiet();
        await term.stop();
        const shipped = term.arrived.map((each) => each.type === 'object' && each.object.spec !== undefined);
        expect(shipped).toEqual([true, true]);
        expect(JSON.stringify([term.arrived, term.remarks, explain(term.arrived)])).not.toContain(secret);
      }),
      20,
    );
  });
});
