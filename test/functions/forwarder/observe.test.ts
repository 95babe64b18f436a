import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putAt } from '../../../functions/forwarder/json-path.ts';
import { observeEvent, observeObject } from '../../../functions/forwarder/observe.ts';
import { createSpecReader } from '../../../functions/forwarder/read-spec.ts';
import { parseObservation } from '../../../shared/observation.ts';
import { statusWords } from '../../../shared/snapshot-fields.ts';
import { checkProperty } from '../../check-property.ts';
import { podInTrouble } from './pod-in-trouble.ts';

const specs = createSpecReader('of a test');
const at = '2026-03-01T12:00:00.123Z';

const metadata = { name: 'web', namespace: 'shop', uid: 'u1', creationTimestamp: '2026-03-01T11:00:00Z' };
const deployment = (over: object = {}) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, ...over });
const event = (over: object = {}) => ({
  metadata: { name: 'web.1', namespace: 'shop', uid: 'e1' },
  involvedObject: { kind: 'Pod', name: 'web' },
  ...over,
});

function occurrence(raw: object) {
  const parsed = observeEvent(raw, at);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value.event;
}

function snapshot(raw: object) {
  const parsed = observeObject(raw, at, false, specs);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value.object;
}

describe('an Event', () => {
  // Of a real cluster, each watched through core/v1 and through events.k8s.io/v1: [core, modern] a line.
  const pairs = readFileSync(join(import.meta.dirname, 'event-in-both-apis.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line): [object, object] => JSON.parse(line));

  it.each(pairs)('is the same in both APIs', (core, modern) => {
    expect(occurrence(modern)).toEqual(occurrence(core));
  });

  it('counts by count, else by its series, else once, in both APIs', () => {
    const counts = (raw: object) => occurrence(event(raw)).count;
    expect(counts({ count: 3, series: { count: 5 } })).toBe(3);
    expect(counts({ deprecatedCount: 3, series: { count: 5 } })).toBe(3);
    expect(counts({ count: 0, series: { count: 5, lastObservedTime: '2026-03-01T12:00:00.000001Z' } })).toBe(
      5,
    );
    expect(counts({ count: null, series: null })).toBe(1);
    expect(counts({ count: -3 })).toBe(1);
  });

  it('has no time that no clock can have meant: the other times stand', () => {
    const { firstTimestamp, lastTimestamp } = occurrence(
      event({ firstTimestamp: '2026-03-01T12:00:00Z', lastTimestamp: '9999-12-31T23:59:59Z' }),
    );
    expect([firstTimestamp, lastTimestamp]).toEqual(['2026-03-01T12:00:00Z', undefined]);
  });

  it('may say nothing of what it is about, as the API server takes it', () => {
    expect(occurrence(event({ involvedObject: undefined })).subject).toEqual({ kind: '', name: '' });
    expect(occurrence(event({ involvedObject: { kind: '', name: 'web' } })).subject.name).toBe('web');
  });

  it('that was stripped of its UID is known by its namespace and name, else by what it says', () => {
    const uidOf = (metadata: object, over: object = {}) => occurrence(event({ metadata, ...over })).uid;
    expect(uidOf({ name: 'web.1', namespace: 'shop' })).toBe('shop/web.1');
    const nameless = uidOf({}, { reason: 'Pulled' });
    expect(nameless).toMatch(/^[0-9a-f]{16}$/);
    expect(uidOf({}, { reason: 'Pulled' })).toBe(nameless);
    expect(uidOf({}, { reason: 'Killing' })).not.toBe(nameless);
  });

  it('has no field that is null or empty', () => {
    const text = JSON.stringify(
      occurrence(
        event({
          eventTime: null,
          action: '',
          related: null,
          reportingComponent: '',
          reportingInstance: '',
          source: {},
          involvedObject: { kind: 'Pod', name: 'web', uid: '', fieldPath: '' },
        }),
      ),
    );
    expect(text).not.toMatch(/null|eventTime|action|related|fieldPath|"uid":""/);
  });

  it('keeps the annotations that say where its trace belongs, and no other', () => {
    const annotations = {
      topLevelSpan: 'true',
      traceparent: '00-a-b-01',
      'tracing.k8s.io/traceparent': '00-c-d-01',
      secret: 'hunter2',
    };
    const { secret: _, ...kept } = annotations;
    expect(occurrence(event({ metadata: { ...event().metadata, annotations } })).annotations).toEqual(kept);
  });

  it.each([
    ['nothing', null, 'is no object'],
    ['a list', [], 'is no object'],
    [
      'a subject that is none',
      event({ involvedObject: { kind: 7, name: 'web' } }),
      'involvedObject.kind should be string, is number',
    ],
    [
      'a time that is none',
      event({ lastTimestamp: 'hunter2' }),
      'lastTimestamp is not an RFC 3339 time between 1970 and 2262',
    ],
    [
      'a time before 1970, by its offset',
      event({ lastTimestamp: '1970-01-01T00:00:00+05:00' }),
      'lastTimestamp is not an RFC 3339 time between 1970 and 2262',
    ],
    ['a count that is none', event({ count: 'hunter2' }), 'count should be number, is string'],
  ])('with %s is refused, with the field and not its value', (_, raw, reason) => {
    expect(observeEvent(raw, at)).toEqual({ ok: false, reason });
  });
});

describe('a snapshot', () => {
  it('needs no more than a version, a kind, a name and a UID', () => {
    expect(snapshot({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', uid: 'u1' } })).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'web',
      uid: 'u1',
    });
  });

  it.each([
    ['apiVersion', { apiVersion: undefined }],
    ['kind', { kind: undefined }],
    ['metadata.name', { metadata: { uid: 'u1' } }],
    ['metadata.uid', { metadata: { name: 'web' } }],
  ])('is refused without %s', (field, over) => {
    expect(observeObject(deployment(over), at, false, specs)).toEqual({
      ok: false,
      reason: `${field} is missing`,
    });
  });

  it.each(['Secret', 'ConfigMap'])('of a %s is refused', (kind) => {
    expect(observeObject({ ...deployment(), kind, data: { a: 'b' } }, at, false, specs)).toMatchObject({
      ok: false,
    });
  });

  it('holds of a pod what tells why it went, where it ran and what it waits for', () => {
    const conditions = [
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', lastProbeTime: null },
      { type: 'ContainersReady', status: 'True' },
    ];
    const pod = snapshot({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata,
        ownerReferences: [
          { kind: 'Other', name: 'x', uid: 'x' },
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'r1', controller: true },
        ],
      },
      spec: {
        nodeName: 'n1',
        containers: [{ env: [{ value: 'hunter2' }] }],
        volumes: [
          { persistentVolumeClaim: { claimName: 'b' } },
          { emptyDir: {} },
          { persistentVolumeClaim: { claimName: 'a' } },
        ],
      },
      status: { phase: 'Running', podIP: '10.0.0.1', conditions },
    });
    expect(pod).toMatchObject({
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'r1' },
      nodeName: 'n1',
      claims: ['a', 'b'],
      status: {
        phase: 'Running',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }],
      },
    });
    expect(JSON.stringify(pod)).not.toMatch(/hunter2|10\.0\.0\.1|ContainersReady|lastProbeTime/);
  });

  it('has of a pod’s containers what each does and how it ended, and none of their secrets', () => {
    const { status } = snapshot(podInTrouble);
    expect(status?.containers).toEqual([
      {
        name: 'migrate',
        init: true,
        restarts: 2,
        waiting: 'CrashLoopBackOff',
        lastTerminated: {
          reason: 'Error',
          exitCode: 3,
          startedAt: '2026-03-01T11:59:00Z',
          finishedAt: '2026-03-01T11:59:05Z',
        },
      },
      { name: 'app', runningSince: '2026-03-01T12:00:00Z' },
      {
        name: 'sidecar',
        restarts: 1,
        terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: '2026-03-01T12:00:09Z' },
      },
    ]);
    expect(JSON.stringify(snapshot(podInTrouble))).not.toContain('hunter2');
  });

  describe('of a custom resource', () => {
    const statusOf = (kind: string, status: object) =>
      snapshot({ apiVersion: 'x.io/v1', kind, metadata: { name: 'x', uid: 'u1' }, status }).status;

    it.each([
      ['state', { state: 'ready' }, { state: 'ready' }],
      ['state.phase', { state: { phase: 'Failed', message: 'hunter2' } }, { 'state.phase': 'Failed' }],
      [
        'applicationState.state',
        { applicationState: { state: 'SUBMISSION_FAILED', errorMessage: 'hunter2' } },
        { 'applicationState.state': 'SUBMISSION_FAILED' },
      ],
      [
        'jobStatus beside jobDeploymentStatus',
        { jobStatus: 'FAILED', jobDeploymentStatus: 'Failed', message: 'hunter2' },
        { jobStatus: 'FAILED', jobDeploymentStatus: 'Failed' },
      ],
      [
        'jobStatus.state beside lifecycleState',
        { jobStatus: { state: 'RUNNING', jobId: 'hunter2' }, lifecycleState: 'STABLE' },
        { 'jobStatus.state': 'RUNNING', lifecycleState: 'STABLE' },
      ],
      ['readyToUse', { readyToUse: false }, { readyToUse: 'false' }],
      ['health', { health: 'green' }, { health: 'green' }],
    ])('says how far it is, wherever the word stands: %s', (_, status, words) => {
      expect(statusOf('Thing', status)).toEqual({ words });
    });

    it('has a condition for its end, which may be named after its kind', () => {
      const conditions = [
        { type: 'BackupCompleted', status: 'True' },
        { type: 'RestoreCompleted', status: 'True' },
        { type: 'hunter2Completed', status: 'True' },
        { type: 'BackupChecked', status: 'True' },
      ];
      expect(statusOf('EtcdBackup', { conditions })).toEqual({ conditions: conditions.slice(0, 1) });
    });

    it('has no text there that is not one short word', () => {
      const texts = fc.oneof(
        fc.constantFrom(
          'hunter2',
          'two words',
          'a'.repeat(41),
          'a_b_c_d_e_f',
          'https://user:pw@host',
          'x\ny',
          '',
        ),
        fc.string(),
        fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom('a', 'Z', '_', '-') }),
        fc.integer(),
        fc.constant({ secret: 'hunter2' }),
        fc.constant(['Failed']),
      );
      const anywhere = fc.dictionary(
        fc.constantFrom(...statusWords, 'message', 'error', 'state.message'),
        texts,
      );
      checkProperty(
        fc.property(anywhere, (values) => {
          const status = {};
          for (const [path, value] of Object.entries(values))
            if (!path.includes('.')) putAt(status, path, value);
          for (const [path, value] of Object.entries(values))
            if (path.includes('.')) putAt(status, path, value);
          const { words = {}, ...rest } = statusOf('Thing', status) ?? {};
          expect(rest).toEqual({});
          for (const [path, word] of Object.entries(words)) {
            expect(statusWords).toContain(path);
            expect(word).toMatch(/^[A-Za-z]+(?:[_-][A-Za-z]+)*$/);
            expect(word.length).toBeLessThanOrEqual(40);
          }
        }),
      );
    });
  });

  it('belongs to its controller, else to its only owner, else to nobody', () => {
    const owned = (...ownerReferences: object[]) =>
      snapshot(deployment({ metadata: { ...metadata, ownerReferences } })).owner?.name;
    const [a, b] = ['a', 'b'].map((name) => ({ apiVersion: 'x.io/v1', kind: 'X', name, uid: name }));
    expect(owned({ ...a, controller: false }, { ...b, controller: true })).toBe('b');
    expect(owned({ ...a })).toBe('a');
    expect(owned({ ...a, controller: false })).toBe('a');
    expect(owned({ ...a }, { ...b })).toBeUndefined();
    expect(owned()).toBeUndefined();
  });

  it('has of a custom resource no more conditions and no longer messages than fit into a record', () => {
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'Failed', message: 'x'.repeat(1_000_000) },
      ...Array.from({ length: 1_000 }, () => ({ type: 'Available', status: 'True', message: 'fine' })),
    ];
    const { status, truncated } = snapshot({
      apiVersion: 'x.io/v1',
      kind: 'X',
      metadata: { name: 'web', uid: 'u1' },
      status: { conditions },
    });
    expect(truncated).toEqual(['status.conditions', 'status.conditions.message']);
    expect(status?.conditions).toHaveLength(32);
    expect(status?.conditions?.slice(0, 2)).toEqual([
      { type: 'Ready', status: 'False', reason: 'Failed', message: 'x'.repeat(8_192) },
      { type: 'Available', status: 'True', message: 'fine' },
    ]);
  });

  it('says who wrote it: every manager but those of its status', () => {
    const restarted = {
      'f:template': { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } } },
    };
    const managers = snapshot(
      deployment({
        metadata: {
          ...metadata,
          managedFields: [
            {
              manager: 'kubectl',
              operation: 'Apply',
              time: '2026-03-01T11:00:00Z',
              fieldsV1: { 'f:spec': restarted },
            },
            { manager: 'kcm', operation: 'Update', fieldsV1: { 'f:metadata': {} } },
            { manager: 'kcm', operation: 'Update', subresource: 'status', fieldsV1: {} },
            { manager: 'hpa', operation: 'Update', subresource: 'scale' },
          ],
        },
      }),
    ).managers;
    expect(managers).toEqual([
      expect.objectContaining({
        manager: 'kubectl',
        operation: 'Apply',
        ownsSpec: true,
        ownsRestartedAt: true,
        fieldCount: 1,
      }),
      expect.objectContaining({
        manager: 'kcm',
        ownsSpec: false,
        ownsRestartedAt: false,
        writesStatus: true,
      }),
      { manager: 'hpa', operation: 'Update', subresource: 'scale' },
    ]);
  });

  describe('its digest', () => {
    const digestOf = (spec: object, over: object = {}) => snapshot(deployment({ spec, ...over })).specDigest;

    it('does not change with replicas or the order of keys, but with the template', () => {
      const spec = { replicas: 1, paused: false, template: { a: 1, b: 2 } };
      const digest = digestOf(spec);
      expect(digest).toMatch(/^[\w-]{8}$/);
      expect(digestOf({ template: { b: 2, a: 1 }, paused: false, replicas: 5 })).toBe(digest);
      expect(digestOf({ ...spec, template: { a: 1, b: 3 } })).not.toBe(digest);
    });

    it('is of what kubectl last applied where the template is not there, if that makes sense', () => {
      const applied = (text: string) =>
        digestOf(
          { replicas: 1 },
          {
            metadata: {
              ...metadata,
              annotations: { 'kubectl.kubernetes.io/last-applied-configuration': text },
            },
          },
        );
      expect(applied('{"spec":{"replicas":3,"template":{}}}')).toBe(applied('{"spec":{"template":{}}}'));
      expect(applied('{"spec":{"template":{"a":1}}}')).not.toBe(applied('{"spec":{"template":{}}}'));
      expect(applied('null')).toBeUndefined();
      expect(applied('{"cut')).toBeUndefined();
    });

    it('is only of workloads', () => {
      expect(digestOf({ template: {} }, { kind: 'Service' })).toBeUndefined();
    });
  });

  const odd = {
    spec: { replicas: 'three', nodeName: {}, scaleTargetRef: { name: 'web' } },
    status: {
      phase: 3,
      replicas: 2,
      conditions: [
        { type: 'Ready', status: true },
        { type: 'Available', status: 'True' },
      ],
    },
  };

  it('of a custom resource leaves out fields that mean something else there', () => {
    const {
      apiVersion: _,
      kind: __,
      name: ___,
      uid: ____,
      ...rest
    } = snapshot({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name: 'web', uid: 'u1' },
      ...odd,
    });
    expect(rest).toEqual({ status: { replicas: 2, conditions: [{ type: 'Available', status: 'True' }] } });
  });

  it('of Kubernetes’ own kinds is refused where the types are wrong', () => {
    expect(observeObject(deployment(odd), at, false, specs)).toMatchObject({ ok: false });
  });
});

it('what is longer than anybody needs is within its bounds from the start, and says so', () => {
  const occurrence = observeEvent(
    {
      metadata: { name: 'n'.repeat(1_000_000), uid: 'e1' },
      involvedObject: { kind: 'Pod', name: 'a', uid: 'u'.repeat(1_000_000) },
      message: 'm'.repeat(1_000_000),
    },
    '2026-03-01T12:00:00Z',
  );
  if (!occurrence.ok) throw new Error(occurrence.reason);
  const { event } = occurrence.value;
  expect([event.name.length, event.message.length]).toEqual([253, 8_192]);
  expect(event.subject.uid!.length).toBeLessThanOrEqual(253);
  expect(event.truncated).toEqual(['message', 'name', 'subject.uid']);
});

it('whatever is thrown at it, it is refused with a reason or makes an observation that others can read', () => {
  const raw = fc.record(
    {
      apiVersion: fc.constantFrom('v1', 'apps/v1', 'x.io/v1', 7),
      kind: fc.constantFrom('Pod', 'Deployment', 'X', '', null),
      metadata: fc.oneof(
        fc.constant({ name: 'web', uid: 'u1' }),
        fc.record({
          name: fc.jsonValue(),
          uid: fc.jsonValue(),
          managedFields: fc.array(fc.jsonValue()),
          ownerReferences: fc.jsonValue(),
        }),
      ),
      spec: fc.oneof(
        fc.jsonValue(),
        fc.record({
          volumes: fc.array(fc.jsonValue()),
          scaleTargetRef: fc.jsonValue(),
          replicas: fc.jsonValue(),
        }),
      ),
      status: fc.oneof(
        fc.jsonValue(),
        fc.record({ conditions: fc.array(fc.jsonValue()), phase: fc.jsonValue() }),
        fc.record({
          observedGeneration: fc.oneof(fc.jsonValue(), fc.constantFrom('3', '-1', 'many')),
          containerStatuses: fc.array(
            fc.oneof(
              fc.jsonValue(),
              fc.record({
                name: fc.oneof(fc.constant('app'), fc.jsonValue()),
                restartCount: fc.oneof(fc.nat(), fc.jsonValue()),
                state: fc.oneof(fc.jsonValue(), fc.record({ terminated: fc.jsonValue() })),
              }),
            ),
          ),
        }),
      ),
      involvedObject: fc.jsonValue(),
      series: fc.jsonValue(),
      source: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  checkProperty(
    fc.property(fc.oneof(raw, fc.jsonValue()), (input) => {
      for (const parsed of [observeEvent(input, at), observeObject(input, at, false, specs)]) {
        if (parsed.ok) expect(parseObservation(JSON.parse(JSON.stringify(parsed.value))).ok).toBe(true);
        else expect(parsed.reason).not.toBe('');
      }
    }),
  );
});

it('what is nested deeper than anybody reads is refused, not thrown at', () => {
  let deep: object = {};
  for (let depth = 0; depth < 10_000; depth++) deep = { f: deep };
  const managedFields = [{ manager: 'x', operation: 'Update', fieldsV1: deep }];
  expect(observeEvent({ metadata: {}, deep }, at)).toEqual({ ok: false, reason: 'is nested too deeply' });
  expect(observeObject(deployment({ metadata: { ...metadata, managedFields } }), at, false, specs)).toEqual({
    ok: false,
    reason: 'is nested too deeply',
  });
});
