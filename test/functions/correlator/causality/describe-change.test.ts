/** What a root says its change changed, told by the specs before and after it. */
import { describe, expect, it } from 'vitest';
import { createSpecReader } from '../../../../functions/forwarder/read-spec.ts';
import type { ObjectSnapshot, SpecDescription } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { event, snapshot, spansOf, thing } from './cluster-story.ts';

type Spec = Record<string, unknown>;
type Details = Partial<ObjectSnapshot['object']>;

const specs = createSpecReader('the key of the cluster');
const web = thing('Deployment', 'web');
const app = (over: object = {}) => ({ name: 'app', image: 'registry.test/tiny:v1', ...over });
const podsOf = (...containers: object[]) => ({ template: { spec: { containers } } });

/** What the forwarder tells of it, as `observeObject` puts it into a snapshot. */
const described = (kind: string, spec: Spec, metadata: object = {}, reader = specs): SpecDescription =>
  reader.read({ kind, spec, metadata: { generation: 1, ...metadata } }, false).description!;

/** The generations of one object, a minute apart. */
const generations = (of: typeof web, ...tellings: (SpecDescription | undefined)[]) =>
  tellings.map((spec, i) =>
    snapshot(60 * i, of, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      generation: i + 1,
      managers: [
        { manager: 'kubectl', operation: 'Update', time: `2026-03-01T12:0${i}:00Z`, ownsSpec: true },
      ],
      ...(spec !== undefined && { spec }),
      ...(typeof spec?.values['spec.replicas'] === 'number' && { replicas: spec.values['spec.replicas'] }),
    } satisfies Details),
  );

const rootsOf = (...observations: Parameters<typeof spansOf>): Span[] =>
  spansOf(...observations)
    .filter(({ attributes }) => 'rootspan.change.operation' in attributes)
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));

/** Of the last change. */
const lastRoot = (...observations: Parameters<typeof spansOf>) => {
  const { name, attributes } = rootsOf(...observations).at(-1)!;
  return `${name}: ${attributes['rootspan.change.summary']}`;
};

/** From one spec of a Deployment to another. */
const changed = (before: Spec, after: Spec) =>
  lastRoot(...generations(web, described('Deployment', before), described('Deployment', after)));

describe('a Deployment', () => {
  it('that is made: with which images, and how many', () => {
    const [root] = rootsOf(...generations(web, described('Deployment', { replicas: 3, ...podsOf(app()) })));
    expect(root!.attributes).toMatchObject({
      'rootspan.change.summary': 'created with image app tiny:v1, replicas 3',
      'rootspan.change.images': ['registry.test/tiny:v1'],
      'container.image.name': 'registry.test/tiny',
      'container.image.tags': ['v1'],
    });
  });

  it('that gets another image and more pods', () => {
    const [, root] = rootsOf(
      ...generations(
        web,
        described('Deployment', { replicas: 2, ...podsOf(app()) }),
        described('Deployment', { replicas: 3, ...podsOf(app({ image: 'registry.test/tiny:v2' })) }),
      ),
    );
    expect(root!.attributes).toMatchObject({
      'rootspan.change.summary': 'image app tiny:v1 → tiny:v2, replicas 2 → 3',
      'rootspan.change.fields': ['spec.replicas', 'spec.template.spec.containers[app].image'],
      'rootspan.change.images': ['registry.test/tiny:v2'],
    });
  });

  it.each([
    ['another registry', 'other.test/tiny:v1', 'image app registry.test/tiny:v1 → other.test/tiny:v1'],
    [
      'a digest',
      `registry.test/tiny@sha256:${'a1'.repeat(32)}`,
      'image app tiny:v1 → tiny@sha256:a1a1a1a1a1a1',
    ],
    ['what is no image at all', 'Not An Image!', 'image of container app changed'],
  ])('whose image has %s', (_, image, told) => {
    expect(changed(podsOf(app()), podsOf(app({ image })))).toBe(`Deployment.Update: ${told}`);
  });

  it('of whose environment and arguments it is told that they changed, and no more', () => {
    const secret = { env: [{ name: 'TOKEN', value: 'a' }], args: ['--token=a'] };
    const other = { env: [{ name: 'TOKEN', value: 'b' }], args: ['--token=b'] };
    expect(changed(podsOf(app(secret)), podsOf(app(other)))).toBe(
      'Deployment.Update: args, env of container app changed',
    );
  });

  it('whose containers come and go', () => {
    const side = { name: 'side', image: 'registry.test/proxy:3', args: ['-x'] };
    expect(changed(podsOf(app()), podsOf(app(), side))).toBe(
      'Deployment.Update: container side added with image proxy:3',
    );
    expect(changed(podsOf(app(), side), podsOf(app()))).toBe('Deployment.Update: container side removed');
  });

  it.each([
    [{ paused: true }, 'paused false → true'],
    [{ strategy: { type: 'Recreate' } }, 'strategy none → Recreate'],
    [{ strategy: { rollingUpdate: { maxSurge: '50%' } } }, 'maxSurge none → 50%'],
    [{ selector: { matchLabels: { a: 'b' } } }, 'selector.matchLabels added'],
  ])('with %j: %s', (over, told) => {
    expect(changed(podsOf(app()), { ...podsOf(app()), ...over })).toBe(`Deployment.Update: ${told}`);
  });

  it('of which resources, probes, volumes and labels change', () => {
    const resources = { limits: { memory: '60Mi' }, requests: { cpu: '5m' } };
    const now = {
      template: {
        metadata: { labels: { team: 'a' } },
        spec: {
          containers: [
            app({ resources: { ...resources, limits: { memory: '90Mi' } }, livenessProbe: { a: 1 } }),
          ],
          volumes: [{ name: 'v' }],
          terminationGracePeriodSeconds: 9,
        },
      },
    };
    expect(changed(podsOf(app({ resources })), now)).toBe(
      'Deployment.Update: memory limit of container app 60Mi → 90Mi, terminationGracePeriodSeconds none → 9, template labels added, livenessProbe of container app added, volumes added',
    );
  });

  it('that is restarted', () => {
    const metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T12:01:00Z' } };
    const { template } = podsOf(app());
    const [first, again] = generations(
      web,
      described('Deployment', { template }),
      described('Deployment', { template: { ...template, metadata } }),
    );
    again!.object.restartedAt = '2026-03-01T12:01:00Z';
    expect(lastRoot(first!, again!)).toBe('Deployment.Restart: restarted');
  });

  it('that is deleted: what it had', () => {
    const [made] = generations(web, described('Deployment', { replicas: 2, ...podsOf(app()) }));
    expect(lastRoot(made!, { ...snapshot(60, web, { deleted: true }), deleted: true })).toBe(
      'Deployment.Delete: deleted, had image app tiny:v1, replicas 2',
    );
  });

  it('whose annotations change, which is a generation of a Deployment', () => {
    const [before, after] = ['a', 'b'].map((note) =>
      described('Deployment', podsOf(app()), { annotations: { note } }),
    );
    expect(lastRoot(...generations(web, before, after))).toBe('Deployment.Update: annotations changed');
  });
});

describe('what came back', () => {
  const [v1, v2, v3] = ['v1', 'v2', 'v3'].map((tag) =>
    described('Deployment', podsOf(app({ image: `registry.test/tiny:${tag}` }))),
  );

  it('is a rollback to the generation that had it first', () => {
    const [, , , root] = rootsOf(...generations(web, v1, v1, v2, v1));
    expect(root).toMatchObject({
      name: 'Deployment.Rollback',
      attributes: {
        'rootspan.change.rollback_to': 1,
        'rootspan.change.summary': 'rolled back to generation 1: image app tiny:v2 → tiny:v1',
      },
    });
  });

  it('of several times is the last one', () => {
    expect(lastRoot(...generations(web, v1, v2, v1, v3, v1))).toMatch(
      /^Deployment.Rollback: rolled back to generation 3:/,
    );
  });

  it('is none where the template stays, or is new', () => {
    expect(lastRoot(...generations(web, v1, v2, v2))).toMatch(/^Deployment.Update/);
    expect(lastRoot(...generations(web, v1, v2, v3))).toMatch(/^Deployment.Update/);
  });

  it('is none where only a pause is taken back', () => {
    const paused = described('Deployment', { paused: true, ...podsOf(app()) });
    expect(lastRoot(...generations(web, described('Deployment', podsOf(app())), paused, v1))).toBe(
      'Deployment.Update: paused true → false',
    );
  });

  it('is told by the revisions of ReplicaSets where no forwarder told the template', () => {
    const first = thing('ReplicaSet', 'web-1', web);
    const revision = (number: string) => ({ annotations: { 'deployment.kubernetes.io/revision': number } });
    const [one, two, three] = generations(web, undefined, undefined, undefined);
    const counted = (of: ObjectSnapshot, at: number, number: string) => ({
      ...of,
      observedAt: `2026-03-01T12:0${at}:01Z`,
      object: {
        ...of.object,
        resourceVersion: String(1500 + 60_000 * at),
        status: { observedGeneration: at + 1 },
        ...revision(number),
      },
    });
    const root = rootsOf(
      one!,
      counted(one!, 0, '1'),
      snapshot(1, first, revision('1')),
      { ...two!, object: { ...two!.object, ...revision('1') } },
      counted(two!, 1, '2'),
      { ...three!, object: { ...three!.object, ...revision('2') } },
      snapshot(121, first, { ...revision('3'), creationTimestamp: '2026-03-01T12:00:01Z' }),
      counted(three!, 2, '3'),
    ).at(-1)!;
    expect(root.name).toBe('Deployment.Rollback');
    expect(root.attributes['rootspan.change.rollback_to']).toBe(1);
  });
});

describe('any other kind', () => {
  it.each([
    ['CronJob', { schedule: '*/5 * * * *' }, { schedule: '@hourly' }, 'schedule */5 * * * * → @hourly'],
    [
      'StatefulSet',
      { updateStrategy: { rollingUpdate: { partition: 0 } } },
      { updateStrategy: { rollingUpdate: { partition: 2 } } },
      'partition 0 → 2',
    ],
    ['Job', { suspend: true }, { suspend: false }, 'suspend true → false'],
    [
      'HorizontalPodAutoscaler',
      { maxReplicas: 5, metrics: [1] },
      { maxReplicas: 9, metrics: [2] },
      'maxReplicas 5 → 9, metrics changed',
    ],
    [
      'Rollout',
      { strategy: { canary: { steps: [1] } } },
      { strategy: { canary: { steps: [2] } } },
      'strategy.canary changed',
    ],
    [
      'Kustomization',
      { sourceRef: { branch: 'main' } },
      { sourceRef: { branch: 'dev' }, prune: true },
      'prune added, sourceRef.branch changed',
    ],
  ])('%s', (kind, before, after, told) => {
    const [one, two] = [before, after].map((spec) => described(kind, spec));
    expect(lastRoot(...generations(thing(kind, 'x'), one, two))).toBe(`${kind}.Update: ${told}`);
  });

  it('finds the pod template of a CronJob', () => {
    const [one, two] = ['v1', 'v2'].map((tag) =>
      described('CronJob', { jobTemplate: { spec: podsOf(app({ image: `tiny:${tag}` })) } }),
    );
    expect(lastRoot(...generations(thing('CronJob', 'x'), one, two))).toBe(
      'CronJob.Update: image app tiny:v1 → tiny:v2',
    );
  });
});

describe('nothing is made up', () => {
  it('of a change before which nobody looked', () => {
    const [, later] = generations(web, undefined, described('Deployment', podsOf(app())));
    const said = event(61, web, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1');
    expect(lastRoot({ ...later!, from: 'list' }, said)).toBe('Deployment.Update: undefined');
  });

  it('of digests under two keys: only what ships as a value is compared', () => {
    const other = createSpecReader('a key after the Lease was lost');
    const spec = (tag: string) => podsOf(app({ image: `tiny:${tag}`, args: ['same'] }));
    const roots = (before: string, after: string) =>
      lastRoot(
        ...generations(
          web,
          described('Deployment', spec(before)),
          described('Deployment', spec(after), {}, other),
        ),
      );
    expect(roots('v1', 'v2')).toBe('Deployment.Update: image app tiny:v1 → tiny:v2');
    expect(roots('v1', 'v1')).toBe('Deployment.Update: undefined');
  });

  it('of one version that was told under a second key as well, whichever of the two sorts first', () => {
    const spec = podsOf(app({ args: ['a'], env: ['b'], command: ['c'], ports: ['d'] }));
    const [one, two] = generations(web, described('Deployment', spec), described('Deployment', spec));
    for (let key = 0; key < 20; key++) {
      const under = described('Deployment', spec, {}, createSpecReader(`another key ${key}`));
      const again = { ...two!, object: { ...two!.object, spec: under } };
      expect(lastRoot(one!, two!, again)).toBe('Deployment.Update: undefined');
      expect(spansOf(again, two!, one!)).toEqual(spansOf(one!, two!, again));
    }
  });

  it('of a forwarder of before, which tells no specs, but how many pods there are to be', () => {
    const [one, two] = generations(web, undefined, undefined);
    Object.assign(one!.object, { replicas: 2, specDigest: 'a' });
    Object.assign(two!.object, { replicas: 5, specDigest: 'a' });
    expect(lastRoot(one!, two!)).toBe('Deployment.Scale: replicas 2 → 5');
  });
});

it('is one sentence of bounded length, whatever changed', () => {
  const many = (value: number) =>
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, value]));
  const [, root] = rootsOf(
    ...generations(thing('Kustomization', 'x'), described('K', many(1)), described('K', many(2))),
  );
  const { 'rootspan.change.summary': summary, 'rootspan.change.fields': fields } = root!.attributes;
  expect(String(summary).length).toBeLessThan(520);
  expect(summary).toMatch(/, field\d+ changed and \d+ more$/);
  expect(fields).toHaveLength(64);
});
