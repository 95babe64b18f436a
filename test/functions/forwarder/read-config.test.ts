import { describe, expect, it } from 'vitest';
import { customKinds, kindsOf } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { readConfig } from '../../../functions/forwarder/read-config.ts';

const least = { STREAM_NAME: 's', POD_NAME: 'p', POD_NAMESPACE: 'rootspan' };

describe('the configuration', () => {
  it('needs a stream and to know its pod; the rest has defaults, also where it is empty', () => {
    const all = { include: [], exclude: [] };
    const defaults = {
      clusterName: undefined,
      clusterAttributes: {},
      streamName: 's',
      podName: 'p',
      podNamespace: 'rootspan',
      leaseName: 'rootspan-forwarder',
      statusPort: 8080,
      logLevel: 'info',
      filters: { namespaces: all, kinds: all, reasons: all, types: all },
      rateLimit: { burst: 300, perMinute: 60, cluster: { burst: 180_000, perSecond: 3_000 } },
      partitions: 1,
      redactPatterns: [],
      kinds: kindsOf(customKinds),
    };
    expect(readConfig(least)).toEqual(defaults);
    const empty = { CLUSTER_NAME: '', LEASE_NAME: '', STATUS_PORT: '', EVENT_FILTERS: '', EXTRA_KINDS: '' };
    expect(readConfig({ ...least, ...empty })).toEqual(defaults);
  });

  it('reads what the chart writes as JSON', () => {
    expect(
      readConfig({
        ...least,
        EVENT_FILTERS: '{"namespaces":{"exclude":["kube-*"]}}',
        CLUSTER_ATTRIBUTES: '{"deployment.environment.name":"prod","cloud.region":"eu-west-1"}',
        EVENT_RATE_LIMIT: '{"burst":10}',
        REDACT_PATTERNS: '["token=\\\\S+"]',
        WATCH: '{"core":["replicationcontrollers"],"argoproj.io":["rollouts"],"keda.sh":[]}',
        EXTRA_KINDS: JSON.stringify([
          { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' },
          { group: 'kafka.strimzi.io', resource: 'kafkas' },
          { group: 'core', resource: 'services' },
        ]),
      }),
    ).toMatchObject({
      filters: { namespaces: { include: [], exclude: ['kube-*'] } },
      clusterAttributes: { 'cloud.region': 'eu-west-1', 'deployment.environment.name': 'prod' },
      rateLimit: { burst: 10, perMinute: 60, cluster: { burst: 180_000, perSecond: 3_000 } },
      partitions: 1,
      redactPatterns: [/token=\S+/gu],
      kinds: [
        { group: '', resource: 'replicationcontrollers' },
        { group: 'argoproj.io', resource: 'rollouts', version: 'v1alpha1' },
        { group: 'kafka.strimzi.io', resource: 'kafkas' },
        { group: '', resource: 'services' },
      ],
    });
  });

  it.each([
    ['STREAM_NAME', '', 'STREAM_NAME is missing'],
    ['STATUS_PORT', 'hunter2', 'STATUS_PORT should be a port'],
    ['STATUS_PORT', '70000', 'STATUS_PORT should be a port'],
    ['LOG_LEVEL', 'hunter2', 'LOG_LEVEL should be ("debug" | "info" | "warn" | "error"), is string'],
    ['CLUSTER_ATTRIBUTES', '{"a":', 'CLUSTER_ATTRIBUTES is no JSON'],
    ['CLUSTER_ATTRIBUTES', '{"a":1}', 'CLUSTER_ATTRIBUTES: a should be string, is number'],
    ['CLUSTER_ATTRIBUTES', '{"a":""}', 'CLUSTER_ATTRIBUTES: a is empty'],
    [
      'CLUSTER_ATTRIBUTES',
      '{"service.name":"a"}',
      'CLUSTER_ATTRIBUTES: service.name is no name that may be set: letters, digits and dots, not service.…, k8s.…',
    ],
    [
      'CLUSTER_ATTRIBUTES',
      JSON.stringify(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`a${i}`, 'b']))),
      'CLUSTER_ATTRIBUTES: has more than 8 entries',
    ],
    ['EVENT_FILTERS', 'hunter2', 'EVENT_FILTERS is no JSON'],
    ['EVENT_FILTERS', '{"hunter2":1}', 'EVENT_FILTERS: hunter2 is not known'],
    ['EVENT_FILTERS', '{"kinds":"hunter2"}', 'EVENT_FILTERS: kinds should be Object, is string'],
    ['EVENT_RATE_LIMIT', '{"burst":0}', 'EVENT_RATE_LIMIT: burst should be >=1, is number'],
    [
      'REDACT_PATTERNS',
      '["ok","(hunter2"]',
      'REDACT_PATTERNS.1 is no regular expression of JavaScript with the flag u',
    ],
    ['REDACT_PATTERNS', '["x*"]', 'REDACT_PATTERNS.0 matches what is empty'],
    [
      'EXTRA_KINDS',
      '[{"apiVersion":"v1","kind":"Pod","resource":"pods"}]',
      'EXTRA_KINDS.0 is watched already',
    ],
    ['EXTRA_KINDS', '[{"kind":"X"}]', 'EXTRA_KINDS: 0.resource is missing'],
    ['EXTRA_KINDS', '[{"resource":"hunter2","plural":"hunter2"}]', 'EXTRA_KINDS: 0.plural is not known'],
    ['WATCH', '{"apps":["deployments"]}', 'WATCH.apps is watched already'],
    ['WATCH', '{"core":["secrets"]}', 'WATCH.core may not be watched (Secret, ConfigMap, Event)'],
    ['WATCH', '{"keda.sh":"hunter2"}', 'WATCH: keda.sh should be Array, is string'],
    [
      'EXTRA_KINDS',
      '[{"apiVersion":"v1","kind":"Secret","resource":"secrets"}]',
      'EXTRA_KINDS.0 may not be watched (Secret, ConfigMap, Event)',
    ],
    [
      'EXTRA_KINDS',
      '[{"apiVersion":"v1","kind":"Innocent","resource":"secrets"}]',
      'EXTRA_KINDS.0 may not be watched (Secret, ConfigMap, Event)',
    ],
  ])('%s=%s is told by name, never quoted', (variable, value, message) => {
    expect(() => readConfig({ ...least, [variable]: value })).toThrow(message);
  });
});
