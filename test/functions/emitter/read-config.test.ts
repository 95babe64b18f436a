import { describe, expect, test } from 'vitest';
import {
  type Environment,
  readEmitterConfig,
  readOtlpEndpoint,
} from '../../../functions/emitter/read-config.ts';
import { UserError } from '../../../shared/errors.ts';

const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:4318' };

test('what holds unless something else is said', () => {
  expect(readOtlpEndpoint(base)).toEqual({
    url: new URL('https://collector.example:4318/v1/traces'),
    headers: {},
    timeoutMs: 10_000,
    compression: 'gzip',
    protocol: 'http/protobuf',
  });
});

test('without an endpoint there is none', () => {
  expect(readOtlpEndpoint({})).toBeUndefined();
  expect(
    readOtlpEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }),
  ).toBeUndefined();
});

test.each([
  ['http://collector', 'http://collector/v1/traces'],
  ['http://collector/', 'http://collector/v1/traces'],
  ['https://vendor.example/otlp/', 'https://vendor.example/otlp/v1/traces'],
  ['https://vendor.example/otlp?tenant=7', 'https://vendor.example/otlp/v1/traces?tenant=7'],
])('the general endpoint is a base: %s → %s', (endpoint, url) => {
  expect(readOtlpEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.url.href).toBe(url);
});

test.each([
  ['http://collector', 'http://collector/'],
  ['https://vendor.example/api/traces', 'https://vendor.example/api/traces'],
])('the one for traces is used as it is: %s → %s', (endpoint, url) => {
  const env = { ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint };
  expect(readOtlpEndpoint(env)?.url.href).toBe(url);
});

test.each<[string, Record<string, string>]>([
  ['api-key=secret', { 'api-key': 'secret' }],
  [' Api-Key = secret , x-tenant=7,', { 'api-key': 'secret', 'x-tenant': '7' }],
  ['authorization=Basic%20dXNlcjpwYXNz%3D', { authorization: 'Basic dXNlcjpwYXNz=' }],
  ['authorization=Basic dXNlcjpwYXNz==', { authorization: 'Basic dXNlcjpwYXNz==' }],
  ['list=a%2Cb+c', { list: 'a,b+c' }],
])('headers %j', (text, headers) => {
  expect(readOtlpEndpoint({ ...base, OTEL_EXPORTER_OTLP_HEADERS: text })?.headers).toEqual(headers);
});

test('settings for traces win over the general ones, header by header', () => {
  const env = {
    ...base,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=1,x-kept=yes',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-Tenant=2',
    OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2500',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
  };
  expect(readOtlpEndpoint(env)).toMatchObject({
    headers: { 'x-tenant': '2', 'x-kept': 'yes' },
    timeoutMs: 2500,
    compression: 'none',
  });
});

test.each<[string, string, Environment]>([
  [
    'an address without scheme',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'hunter2:4318' },
  ],
  ['no HTTP', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'grpc://hunter2' }],
  ['a header without value', 'OTEL_EXPORTER_OTLP_HEADERS', { OTEL_EXPORTER_OTLP_HEADERS: 'a=b,hunter2' }],
  ['a header without name', 'OTEL_EXPORTER_OTLP_HEADERS', { OTEL_EXPORTER_OTLP_HEADERS: '=hunter2' }],
  [
    'a broken escape',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=hunter2%' },
  ],
  ['a line break', 'OTEL_EXPORTER_OTLP_HEADERS', { OTEL_EXPORTER_OTLP_HEADERS: 'a=hunter2%0Ab' }],
  ['a time-out in words', 'OTEL_EXPORTER_OTLP_TIMEOUT', { OTEL_EXPORTER_OTLP_TIMEOUT: '10s hunter2' }],
  ['no time at all', 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '0' }],
  ['a month', 'OTEL_EXPORTER_OTLP_TIMEOUT', { OTEL_EXPORTER_OTLP_TIMEOUT: '2678400000' }],
  ['gRPC', 'OTEL_EXPORTER_OTLP_PROTOCOL', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ['another compression', 'OTEL_EXPORTER_OTLP_COMPRESSION', { OTEL_EXPORTER_OTLP_COMPRESSION: 'hunter2' }],
])('%s: names %s and quotes nothing', (_, variable, env) => {
  let error: unknown;
  try {
    readOtlpEndpoint({ ...base, ...env });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toMatch(new RegExp(`^${variable}\\b`));
  expect((error as UserError).message).not.toContain('hunter2');
});

describe('where the function exports to', () => {
  const stack = {
    AWS_REGION: 'eu-central-1',
    SET_ASIDE_BUCKET: 'set-aside',
    SPANS_QUEUE_URL: 'https://sqs.example/spans',
  };

  test('with nothing configured: to X-Ray in its region', () => {
    expect(readEmitterConfig(stack)).toEqual({
      destination: {
        kind: 'x-ray',
        endpoint: {
          url: new URL('https://xray.eu-central-1.amazonaws.com/v1/traces'),
          headers: {},
          timeoutMs: 10_000,
          compression: 'gzip',
          protocol: 'http/protobuf',
        },
      },
      serviceName: 'workload',
      setAsideBucket: 'set-aside',
      spansQueueUrl: 'https://sqs.example/spans',
    });
  });

  test('to X-Ray as it is called in a partition where hosts end otherwise', () => {
    const { destination } = readEmitterConfig({
      ...stack,
      AWS_REGION: 'cn-north-1',
      URL_SUFFIX: 'amazonaws.com.cn',
    });
    expect(destination.endpoint.url.href).toBe('https://xray.cn-north-1.amazonaws.com.cn/v1/traces');
  });

  test.each([
    ['http://collector.example:4318', false],
    ['http://127.0.0.1.example.com', false],
    ['https://collector.example:4318', true],
    ['http://localhost:4318', true],
    ['http://127.0.0.1:4318', true],
    ['http://[::1]:4318', true],
  ])('what a secret holds is sent to %s: %s', (OTEL_EXPORTER_OTLP_ENDPOINT, isSent) => {
    const read = () =>
      readEmitterConfig({
        ...stack,
        OTEL_EXPORTER_OTLP_ENDPOINT,
        OTLP_HEADERS_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:otlp-AbCdEf',
      });
    if (isSent) expect(read().destination.kind).toBe('otlp');
    else
      expect(read).toThrow(
        new UserError(
          'OTEL_EXPORTER_OTLP_ENDPOINT should be https: what OTLP_HEADERS_SECRET_ARN holds could be read on its way',
        ),
      );
  });

  test('with names and a protocol of its own', () => {
    const env = { ...stack, SERVICE_NAME: 'one', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' };
    expect(readEmitterConfig(env)).toMatchObject({
      destination: { endpoint: { protocol: 'http/json' } },
      serviceName: 'one',
    });
  });

  test('to the endpoint, with headers of a secret', () => {
    const env = { ...stack, ...base, OTLP_HEADERS_SECRET_ARN: 'arn:secret' };
    expect(readEmitterConfig(env).destination).toEqual({
      kind: 'otlp',
      endpoint: readOtlpEndpoint(base),
      headersSecretArn: 'arn:secret',
    });
  });

  test.each([
    [{ SET_ASIDE_BUCKET: undefined }, 'SET_ASIDE_BUCKET is missing'],
    [{ SPANS_QUEUE_URL: ' ' }, 'SPANS_QUEUE_URL is missing'],
    [{ AWS_REGION: undefined }, 'AWS_REGION is missing'],
    [{ SERVICE_NAME: 'deployment' }, 'SERVICE_NAME should be workload, component, one'],
    [{ OTLP_HEADERS_SECRET_ARN: 'arn' }, 'OTLP_HEADERS_SECRET_ARN needs OTEL_EXPORTER_OTLP_ENDPOINT'],
  ])('%j: %s', (change, message) => {
    expect(() => readEmitterConfig({ ...stack, ...change })).toThrow(new UserError(message));
  });
});
