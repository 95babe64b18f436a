import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toOtlpJson } from '../../../functions/emitter/to-otlp-json.ts';
import { toReadableSpans } from '../../../functions/emitter/to-readable-span.ts';
import { compareSpans } from '../../../shared/span.ts';
import { arbitrarySpan } from '../../arbitrary-spans.ts';
import { checkProperty } from '../../check-property.ts';
import { makeRollout, makeSpan } from '../../spans.ts';
import { fromOtlpJson, type OtlpRequest } from './otlp-json.ts';
import { startBackend } from './scripted-backend.ts';

test('a span in OTLP', () => {
  const root = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'kubectl' });
  const span = makeSpan({
    name: 'Pod.Failed',
    object: 'web-1',
    parent: root,
    error: 'no such image',
    attributes: { 'container.image.tags': ['v1', 'stable'] },
  });
  const { traceId, spanId } = root;
  const linked = { ...span, links: [{ traceId, spanId, attributes: { 'rootspan.link': 'waits-for' } }] };
  const [group, ...others] = (JSON.parse(toOtlpJson([linked])) as OtlpRequest).resourceSpans;
  expect(others).toEqual([]);
  expect(group!.schemaUrl).toBe('https://opentelemetry.io/schemas/1.44.0');
  expect(group!.resource.attributes).toContainEqual({
    key: 'k8s.cluster.name',
    value: { stringValue: 'prod-eu-1' },
  });
  expect(group!.scopeSpans[0]!.scope).toEqual({
    name: 'rootspan',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
  expect(group!.scopeSpans[0]!.spans[0]).toMatchObject({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: root.spanId,
    name: 'Pod.Failed',
    kind: 1, // INTERNAL
    startTimeUnixNano: '1795410689000000000',
    status: { code: 2, message: 'no such image' },
    links: [
      {
        traceId: root.traceId,
        spanId: root.spanId,
        attributes: [{ key: 'rootspan.link', value: { stringValue: 'waits-for' } }],
      },
    ],
    attributes: expect.arrayContaining([
      {
        key: 'container.image.tags',
        value: { arrayValue: { values: [{ stringValue: 'v1' }, { stringValue: 'stable' }] } },
      },
    ]),
  });
});

test('a root has no parent, and a status that is unset no message', () => {
  const json = toOtlpJson([makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'kubectl' })]);
  expect(json).not.toContain('parentSpanId');
  expect(json).toContain('"status":{"code":0}');
});

test('nanoseconds stay exact where a double would round them', () => {
  const span = {
    ...makeSpan({ name: 'Pod.Pulling', object: 'web-1' }),
    startTimeUnixNano: '1795410689123456789',
    endTimeUnixNano: '9999999999999999999',
  };
  expect(toOtlpJson([span])).toContain('"1795410689123456789"');
  expect(toOtlpJson([span])).toContain('"9999999999999999999"');
});

test('equal resources are written once, whatever the order of their keys', () => {
  const span = makeSpan({ name: 'Pod.Pulling', object: 'web-1' });
  const reversed = Object.fromEntries(Object.entries(span.resource).reverse());
  const other = { ...span.resource, 'service.name': 'default-scheduler' };
  const request = JSON.parse(
    toOtlpJson([span, { ...span, resource: other }, { ...span, resource: reversed }]),
  ) as OtlpRequest;
  expect(request.resourceSpans.map(({ scopeSpans }) => scopeSpans.map(({ spans }) => spans.length))).toEqual([
    [2],
    [1],
  ]);
});

test.each([2 ** 63, -(2 ** 64), 1e300, Number.POSITIVE_INFINITY])(
  '%d is no int64: it goes as text, since a backend would refuse the whole request',
  (number) => {
    const span = makeSpan({ name: 'Pod.Pulling', object: 'web-1', attributes: { number } });
    expect(fromOtlpJson(toOtlpJson([span]))[0]!.attributes.number).toBe(String(number));
  },
);

test('any spans come back as they went', () => {
  checkProperty(
    fc.property(fc.array(arbitrarySpan, { maxLength: 8 }), (spans) => {
      const bySpan = (list: typeof spans) => list.map((span) => JSON.stringify(span, sortedKeys)).sort();
      expect(bySpan(fromOtlpJson(toOtlpJson(spans)))).toEqual(bySpan(spans));
    }),
    300,
  );
});

/** Keys of attributes that look like array indexes change places in an object: compare whatever the order. */
const sortedKeys = (_: string, value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

test("the bytes are those of OpenTelemetry's own exporter", async () => {
  await using backend = await startBackend();
  const spans = makeRollout({ name: 'web', replicas: 3, badImage: [1] }).sort(compareSpans);
  const exporter = new OTLPTraceExporter({ url: backend.endpoint.url.href });
  await new Promise<void>((resolve, reject) =>
    exporter.export(toReadableSpans(spans), ({ error }) => (error ? reject(error) : resolve())),
  );
  await exporter.shutdown();
  expect(backend.requests.map(({ body }) => body)).toEqual([toOtlpJson(spans)]);
});
