/** The collector's k8sobjects and k8s_events receivers, as its file exporter writes them. */
import { describe, expect, it } from 'vitest';
import { observeFile } from '../../../../infra/local/input/observe-file.ts';

const find = async (...requests: object[]) => {
  async function* text() {
    for (const request of requests) yield `${JSON.stringify(request)}\n`;
  }
  return Array.fromAsync(observeFile('logs.json', text(), { isNamed: true }));
};

/** As the collector's pdata writes a value: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
function anyValue(value: unknown): object {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: pairs(Object(value)) } };
}
const pairs = (fields: object) =>
  Object.entries(fields).map(([key, value]) => ({ key, value: anyValue(value) }));

const logs = (bodies: object[], attributes: object = {}, more: object = {}) => ({
  resourceLogs: [
    {
      resource: { attributes: pairs(attributes) },
      scopeLogs: [{ scope: {}, logRecords: bodies.map((body) => ({ body, ...more })) }],
    },
  ],
});

const event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'web-0.1', namespace: 'shop', uid: 'e1', creationTimestamp: '2023-08-17T08:31:06Z' },
  involvedObject: { kind: 'Pod', name: 'web-0', namespace: 'shop', uid: 'p1' },
  reason: 'Started',
  message: 'Started container shell',
  firstTimestamp: '2023-08-17T08:31:06Z',
  lastTimestamp: '2023-08-17T08:31:06Z',
  eventTime: null,
  count: 2,
  type: 'Normal',
};
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-0',
    uid: 'p1',
    creationTimestamp: '2023-08-17T08:31:00Z',
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web', uid: 'r1', controller: true }],
  },
};

describe('a log record', () => {
  it('of watch mode: what was told, and when the collector saw it', async () => {
    const body = anyValue({ type: 'MODIFIED', object: event });
    const [found] = await find(logs([body], {}, { observedTimeUnixNano: '1692261066062813364' }));
    expect(found!.observation).toMatchObject({
      observedAt: '2023-08-17T08:31:06.062813364Z',
      event: { uid: 'e1', count: 2, lastTimestamp: '2023-08-17T08:31:06Z' },
    });
  });

  it('of pull mode: an object that was there already', async () => {
    const [found] = await find(logs([anyValue(pod)]));
    expect(found!.observation).toMatchObject({
      from: 'list',
      observedAt: '2023-08-17T08:31:00Z',
      object: { uid: 'p1', owner: { uid: 'r1' } },
    });
  });

  it('whose body was turned into text', async () => {
    const found = await find(logs([{ stringValue: JSON.stringify({ type: 'ADDED', object: event }) }]));
    expect(found).toMatchObject([{ observation: { event: { uid: 'e1' } } }]);
  });

  it('says of which cluster it is, where the resource does', async () => {
    const attributes = { 'k8s.cluster.name': 'prod', 'k8s.cluster.uid': 'c1', 'k8s.namespace.name': 'shop' };
    const found = await find(
      logs([anyValue(pod)], attributes),
      logs([anyValue(pod)], { 'k8s.cluster.name': 7 }),
    );
    expect(found.map(({ cluster }) => cluster)).toEqual([{ uid: 'c1', name: 'prod' }, undefined]);
  });

  it('of the k8s_events receiver: an Event in attributes', async () => {
    const resource = {
      'k8s.node.name': 'n1',
      'k8s.object.kind': 'Pod',
      'k8s.object.name': 'web-0',
      'k8s.object.uid': 'p1',
      'k8s.object.fieldpath': 'spec.containers{app}',
      'k8s.object.api_version': 'v1',
    };
    const attributes = {
      'k8s.event.reason': 'Started',
      'k8s.event.action': '',
      'k8s.event.start_time': '2023-08-17 10:31:06 +0200 CEST',
      'k8s.event.name': 'web-0.1',
      'k8s.event.uid': 'e1',
      'k8s.namespace.name': 'shop',
      'k8s.event.count': 2,
    };
    const [found] = await find(
      logs([{ stringValue: 'Started container app' }], resource, {
        timeUnixNano: '1692261126000000000',
        severityText: 'Normal',
        attributes: pairs(attributes),
      }),
    );
    expect(found!.observation).toMatchObject({
      observedAt: '2023-08-17T08:32:06Z',
      event: {
        uid: 'e1',
        name: 'web-0.1',
        namespace: 'shop',
        count: 2,
        reason: 'Started',
        message: 'Started container app',
        type: 'Normal',
        subject: {
          kind: 'Pod',
          namespace: 'shop',
          name: 'web-0',
          uid: 'p1',
          fieldPath: 'spec.containers{app}',
        },
        reporter: { instance: 'n1' },
        firstTimestamp: '2023-08-17T10:31:06+02:00',
        lastTimestamp: '2023-08-17T08:32:06Z',
      },
    });
  });

  it('of somebody else’s log is passed over', async () => {
    const others = [{ stringValue: 'hello' }, { stringValue: '{"level":"info"}' }, anyValue({ a: 1 }), {}];
    expect(await find(logs(others), logs([...others, anyValue(pod)]))).toHaveLength(1);
  });
});

it('logs without any object are told', async () => {
  await expect(find(logs([{ stringValue: 'hello' }]))).rejects.toThrow(
    'logs.json:1: logs of no Kubernetes object; export those of eventrouter, or of the collector',
  );
});
