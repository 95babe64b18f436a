/**
 * The chart as a cluster's administrator meets it: rendered by Helm with the values of several kinds of clusters, checked
 * against Kubernetes' schemas, its rights against what the forwarder really reads, its pod against the restricted Pod
 * Security Standard, wrong values against the words with which they are refused.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import {
  customKinds,
  events,
  groupOf,
  type KindToWatch,
  kindsOf,
  nameIn,
  watchedObjects,
} from '../../functions/forwarder/kubernetes/watched-resources.ts';
import { createMetrics } from '../../functions/forwarder/metrics.ts';
import { readConfig } from '../../functions/forwarder/read-config.ts';
import { readSettings } from '../../infra/aws/read-settings.ts';
import { RootspanStack } from '../../infra/aws/rootspan-stack.ts';
import { nameImage } from '../../infra/release/name-image.ts';
import { installHelm } from './install-helm.ts';
import { installKubernetesValidate, lastKubernetes } from './install-kubernetes-validate.ts';

const chart = resolve(import.meta.dirname, '../../infra/kubernetes/chart');
const run = promisify(execFile);

const streamRole = 'arn:aws:iam::111111111111:role/Rootspan-prod';
const principal = 'arn:aws:iam::222222222222:role/rootspan-edge';
const plain = {
  cluster: { name: 'prod' },
  stream: { name: 'Rootspan-Stream', region: 'eu-west-1', roleArn: streamRole },
  image: { repository: 'images.example/rootspan-forwarder' },
};
const assuming = (assumeRole: object) => ({ ...plain, stream: { ...plain.stream, assumeRole } });
const patterns = ['token=\\S+$', '$$(AWS_REGION)', `it's "quoted" <b> ${'and long '.repeat(20)}`];
const examples = {
  plain,
  'without a role': { ...plain, stream: { name: 'events', region: 'us-gov-west-1' } },
  'a principal with a web identity': assuming({ from: 'webIdentity', principalArn: principal }),
  'a principal with a secret': assuming({ from: 'secret', secretName: 'rootspan-aws' }),
  'a principal that is the node': assuming({ from: 'node' }),
  'a principal with an external id': assuming({ from: 'node', externalId: 'rootspan/prod' }),
  'a key of its own': { ...plain, signing: { secretName: 'rootspan-signing' } },
  'a key of its own, and a principal with a secret': {
    ...assuming({ from: 'secret', secretName: 'rootspan-aws' }),
    signing: { secretName: 'rootspan-signing' },
  },
  OpenShift: { ...plain, runAsUser: null },
  'the European Sovereign Cloud': { ...plain, stream: { name: 'events', region: 'eusc-de-east-1' } },
  'a registry with a port, and no resources': {
    ...plain,
    image: { repository: 'images.example:5000/team/rootspan-forwarder' },
    resources: null,
  },
  'a company’s certificate authority': {
    ...plain,
    extraVolumes: [{ name: 'ca', configMap: { name: 'company-ca' } }],
    extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
    extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ca/ca.crt' }],
  },
  'a ServiceMonitor': {
    ...plain,
    metrics: { serviceMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } } },
  },
  everything: {
    ...plain,
    cluster: { name: 'prod', attributes: { 'deployment.environment.name': 'prod', 'cloud.region': '1e3' } },
    image: { ...plain.image, digest: `sha256:${'0'.repeat(64)}` },
    imagePullSecrets: [{ name: 'pull' }],
    replicas: 2,
    filters: { namespaces: { exclude: ['kube-*'] }, types: { include: ['Warning'] } },
    rateLimit: { burst: 1_000_000 },
    redact: patterns,
    watch: { 'keda.sh': [], 'tekton.dev': ['pipelineruns'] },
    extraKinds: [
      { apiVersion: 'example.com/v1beta1', kind: 'App', resource: 'apps' },
      { apiVersion: 'v1', kind: 'Service', resource: 'services' },
      { group: 'postgresql.cnpg.io', resource: 'clusters' },
      { group: 'core', resource: 'endpoints' },
    ],
    lookups: { policy: [], 'kafka.strimzi.io': ['kafkatopics'] },
    serviceAccount: { create: false, name: 'own' },
    podAnnotations: { 'example.com/team': 'platform' },
    podLabels: { team: 'platform' },
    priorityClassName: 'system-cluster-critical',
    nodeSelector: { 'kubernetes.io/arch': 'arm64' },
    tolerations: [{ operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    extraEnv: [{ name: 'AWS_USE_FIPS_ENDPOINT', value: 'true' }],
    signing: { secretName: 'rootspan-signing' },
    extraVolumes: [
      { name: 'ca', secret: { secretName: 'company-ca' } },
      { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
    ],
    extraVolumeMounts: [
      { name: 'ca', mountPath: '/etc/ca', readOnly: true },
      { name: 'token', mountPath: '/var/run/secrets/tokens' },
    ],
    metrics: {
      podMonitor: { enabled: true, labels: { release: 'prometheus' } },
      prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    },
    networkPolicy: { enabled: true },
  },
} as const;

let helm: string;
let validate: string;
let folder: string;
let files = 0;

beforeAll(async () => {
  helm = installHelm();
  validate = installKubernetesValidate();
  folder = await mkdtemp(join(tmpdir(), 'rootspan-chart-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** JSON is YAML. */
async function fileOf(values: object): Promise<string> {
  const file = join(folder, `${files++}.yaml`);
  await writeFile(file, JSON.stringify(values));
  return file;
}

const template = async (...args: string[]): Promise<string> =>
  (await run(helm, ['template', 'rootspan', chart, '--namespace', 'rootspan', ...args])).stdout;

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

interface Manifest {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string>; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: whatever Kubernetes has; the schemas check it
  spec?: any;
  rules?: Rule[];
  data?: Record<string, string>;
}

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS())
    .filter(Boolean);

const render = async (values: object): Promise<Manifest[]> =>
  parse(await template('-f', await fileOf(values)));

function only(manifests: Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0]!;
}

const podOf = (manifests: Manifest[]) => only(manifests, 'Deployment').spec.template.spec;
/** Of `helm test`. */
const testPodOf = (manifests: Manifest[]) => only(manifests, 'Pod').spec;

/** As a container gets them: Kubernetes makes one $ of two, and puts in the values of $(NAME). */
function environmentOf(manifests: Manifest[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { name, value } of podOf(manifests).containers[0].env) {
    result[name] = value?.replace(/\$\$|\$\((\w+)\)/g, (text: string, other?: string) =>
      other === undefined ? '$' : (result[other] ?? text),
    );
  }
  return result;
}

/** One line for each right: `list apps/deployments`, `get /namespaces kube-system`. */
const rightsOf = ({ rules = [] }: Manifest): string[] =>
  rules
    .flatMap(({ apiGroups, resources, resourceNames = [''], verbs }) =>
      verbs.flatMap((verb) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.map((name) => `${verb} ${group}/${resource} ${name}`.trim()),
          ),
        ),
      ),
    )
    .sort();

const watchRights = ({ group, resource }: KindToWatch): string[] => [
  `list ${group}/${resource}`,
  `watch ${group}/${resource}`,
];
const own: KindToWatch[] = [events, ...watchedObjects].map(({ apiVersion, resource }) => ({
  group: groupOf(apiVersion),
  resource,
}));

describe.each(Object.entries(examples))('rendered: %s', (_, values) => {
  it('passes helm lint', async () => {
    await run(helm, ['lint', '--strict', chart, '-f', await fileOf(values)]);
  });

  it('keeps to the restricted Pod Security Standard', async () => {
    const manifests = await render(values);
    for (const pod of [podOf(manifests), testPodOf(manifests)]) {
      const [container, ...others] = pod.containers;
      expect(others).toEqual([]);
      expect(pod.initContainers).toBeUndefined();
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(key);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext.runAsUser).not.toBe(0);
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const port of container.ports ?? []) expect(port).not.toHaveProperty('hostPort');
      for (const volume of pod.volumes ?? []) {
        const [kind, ...more] = Object.keys(volume).filter((key) => key !== 'name');
        expect(['configMap', 'secret', 'projected']).toContain(kind);
        expect(more).toEqual([]);
      }
    }
  });

  it('asks for nothing but to read, and for no Secret, ConfigMap or wildcard', async () => {
    const manifests = await render(values);
    const rights = rightsOf(only(manifests, 'ClusterRole'));
    expect(rights.filter((right) => !/^(?:get|list|watch) /.test(right))).toEqual([]);
    expect(rights.filter((right) => /secret|configmap|\*/i.test(right))).toEqual([]);
  });
});

// The first that the chart takes, and the last three.
test.each(['1.25', ...lastKubernetes])(
  'all that is rendered is what Kubernetes %s expects',
  async (version) => {
    const manifests = await Promise.all(
      Object.values(examples).map(async (values) => {
        const file = join(folder, `${files++}.yaml`);
        await writeFile(file, await template('--kube-version', version, '-f', await fileOf(values)));
        return file;
      }),
    );
    const { stdout, stderr } = await run(validate, ['-k', version, '--strict', ...manifests]);
    const lines = (stdout + stderr).split('\n').filter(Boolean);
    // Kind by kind; those of the Prometheus Operator are not Kubernetes'.
    const operators = /PodMonitor|ServiceMonitor|PrometheusRule/;
    expect(lines.filter((line) => !line.startsWith('INFO') && !operators.test(line))).toEqual([]);
    expect(lines.filter((line) => line.includes(' passed for resource deployment/'))).toHaveLength(
      manifests.length,
    );
  },
);

it('an older Kubernetes is refused', async () => {
  await expect(template('--kube-version', '1.24', '-f', await fileOf(plain))).rejects.toThrow(
    'chart requires kubeVersion: >=1.25.0-0',
  );
});

it('a published chart, as a release packs it, runs the image of its release without being told', async () => {
  const copy = join(folder, 'published');
  await cp(chart, copy, { recursive: true });
  const values = join(copy, 'values.yaml');
  await writeFile(values, nameImage(await readFile(values, 'utf8'), 'registry.example/rootspan/forwarder'));
  await run(helm, ['package', copy, '--destination', folder]);
  const { version } = parseYaml(await readFile(join(chart, 'Chart.yaml'), 'utf8')) as { version: string };
  const { image: _, ...told } = plain;
  const packed = join(folder, `rootspan-${version}.tgz`);
  const render = async (image: object) => {
    const file = await fileOf({ ...told, image });
    const { stdout } = await run(helm, ['template', 'rootspan', packed, '-f', file]);
    return podOf(parse(stdout)).containers[0].image;
  };
  expect(await render({})).toBe(`registry.example/rootspan/forwarder:${version}`);
  const digest = `sha256:${'0'.repeat(64)}`;
  expect(await render({ digest })).toBe(`registry.example/rootspan/forwarder@${digest}`);
});

describe('the rights', () => {
  it('are to list and watch just what the forwarder watches', async () => {
    const rights = rightsOf(only(await render(plain), 'ClusterRole'));
    expect(rights.filter((right) => !right.startsWith('get '))).toEqual(
      [...own, ...kindsOf(customKinds)].flatMap(watchRights).sort(),
    );
    // Until their list is there, and for Events about one.
    const gets = kindsOf(customKinds).map(({ group, resource }) => `get ${group}/${resource}`);
    expect(gets.filter((right) => !rights.includes(right))).toEqual([]);
    expect(rights.filter((right) => right.includes('/namespaces'))).toEqual(['get /namespaces kube-system']);
  });

  it('grow by extraKinds, watch and lookups, and shrink by them', async () => {
    const more = rightsOf(only(await render(examples.everything), 'ClusterRole'));
    const rights = rightsOf(only(await render(plain), 'ClusterRole'));
    const without = (some: string[], others: string[]) => some.filter((right) => !others.includes(right));
    const [read, list] = [
      ['get', 'list', 'watch'],
      ['list', 'watch'],
    ];
    const all = (verbs: string[], ...names: string[]) =>
      names.flatMap((name) => verbs.map((verb) => `${verb} ${name}`)).sort();
    expect(without(more, rights)).toEqual(
      [
        'get kafka.strimzi.io/kafkatopics',
        ...all(list, '/services'),
        ...all(read, '/endpoints', 'example.com/apps', 'postgresql.cnpg.io/clusters'),
      ].sort(),
    );
    expect(without(rights, more)).toEqual(
      [
        'get policy/poddisruptionbudgets',
        ...all(read, 'keda.sh/scaledjobs', 'keda.sh/scaledobjects'),
        ...all(read, 'tekton.dev/customruns', 'tekton.dev/taskruns'),
      ].sort(),
    );
  });

  it('are in its own namespace those to its Lease, and to tell an Event', async () => {
    const manifests = await render(plain);
    expect(rightsOf(only(manifests, 'Role'))).toEqual([
      'create coordination.k8s.io/leases',
      'create events.k8s.io/events',
      'get coordination.k8s.io/leases rootspan-forwarder',
      'update coordination.k8s.io/leases rootspan-forwarder',
    ]);
    expect(environmentOf(manifests).LEASE_NAME).toBe('rootspan-forwarder');
  });
});

describe('the environment of the forwarder', () => {
  /** What functions/forwarder/read-config.ts reads, and what Node and the AWS SDK do. */
  const settings = [
    'AWS_REGION',
    'CLUSTER_ATTRIBUTES',
    'CLUSTER_NAME',
    'EVENT_FILTERS',
    'EVENT_RATE_LIMIT',
    'EXTRA_KINDS',
    'LEASE_NAME',
    'LOG_LEVEL',
    'NODE_OPTIONS',
    'PARTITIONS',
    'POD_NAME',
    'POD_NAMESPACE',
    'REDACT_PATTERNS',
    'STATUS_PORT',
    'STREAM_NAME',
    'WATCH',
  ];

  it('has each setting', async () => {
    expect(Object.keys(environmentOf(await render(plain))).sort()).toEqual(settings);
  });

  it('brings values as they were given, whatever characters they have', async () => {
    const environment = environmentOf(await render(examples.everything));
    expect(JSON.parse(environment.REDACT_PATTERNS!)).toEqual(patterns);
    expect(JSON.parse(environment.EVENT_RATE_LIMIT!)).toEqual({
      burst: 1_000_000,
      perMinute: 60,
      cluster: { burst: 180_000, perSecond: 3_000 },
    });
    expect(JSON.parse(environment.EXTRA_KINDS!)).toEqual(examples.everything.extraKinds);
    expect(JSON.parse(environment.WATCH!)).toEqual({
      ...customKinds,
      ...examples.everything.watch,
    });
    expect(JSON.parse(environment.EVENT_FILTERS!)).toEqual({
      namespaces: { include: [], exclude: ['kube-*'] },
      kinds: { include: [], exclude: [] },
      reasons: { include: [], exclude: [] },
      types: { include: ['Warning'], exclude: [] },
    });
  });

  it('is what the forwarder reads', async () => {
    const environment = environmentOf(await render(examples.everything));
    const config = readConfig({ ...environment, POD_NAME: 'forwarder-1', POD_NAMESPACE: 'rootspan' });
    expect(config).toMatchObject({
      leaseName: environment.LEASE_NAME,
      streamName: environment.STREAM_NAME,
      clusterName: environment.CLUSTER_NAME,
      clusterAttributes: examples.everything.cluster.attributes,
      rateLimit: { burst: 1_000_000, perMinute: 60, cluster: { burst: 180_000, perSecond: 3_000 } },
    });
    const names = config.kinds.map(({ group, resource }) => nameIn(group, resource));
    expect(names).toEqual(
      expect.arrayContaining(['pipelineruns.tekton.dev', 'services', 'apps.example.com']),
    );
    expect(names.filter((name) => /keda|taskruns/.test(name))).toEqual([]);
    expect(config.redactPatterns.map(({ source }) => source)).toEqual(patterns);
  });

  it.each([
    ['a name that Rootspan gives', { 'service.name': 'shop' }],
    ['a value that is no text', { rack: 7 }],
    ['a value that is too long', { rack: 'r'.repeat(129) }],
    ['too many', Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`a${i}`, 'b']))],
  ])('takes no attribute of a cluster with %s', async (_, attributes) => {
    await expect(render({ ...plain, cluster: { name: 'prod', attributes } })).rejects.toThrow(
      /attributes|service\.name/,
    );
  });

  it('takes a name that looks like a number for a name', async () => {
    expect(environmentOf(await render({ ...plain, cluster: { name: '1e3' } })).CLUSTER_NAME).toBe('1e3');
  });
});

describe('what is mounted', () => {
  it('is nothing unless somebody asks for it', async () => {
    const pod = podOf(await render(plain));
    expect(pod).not.toHaveProperty('volumes');
    expect(pod.containers[0]).not.toHaveProperty('volumeMounts');
  });

  it('is what was asked for, beside what the chart mounts', async () => {
    const pod = podOf(await render(examples.everything));
    const names = ({ name }: { name: string }) => name;
    expect(pod.volumes.map(names)).toEqual(['signing', 'ca', 'token']);
    expect(pod.containers[0].volumeMounts.map(names)).toEqual(['signing', 'ca', 'token']);
  });
});

describe('the figures', () => {
  it('are found by a ServiceMonitor by way of a Service that no load balancer stands before', async () => {
    const manifests = await render(examples['a ServiceMonitor']);
    const [service, monitor] = [only(manifests, 'Service'), only(manifests, 'ServiceMonitor')];
    expect(service.metadata).toHaveProperty(
      'labels',
      expect.objectContaining(monitor.spec.selector.matchLabels),
    );
    expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(monitor.spec.endpoints).toEqual([{ port: 'status', path: '/metrics', interval: '15s' }]);
    expect(service.spec.ports[0]).toMatchObject({ name: 'status', targetPort: 'status' });
    expect(service.spec.selector).toEqual(only(manifests, 'Deployment').spec.selector.matchLabels);
  });

  it('have alerts: those that the README tells of, of this namespace', async () => {
    const rules: { expr: string; for: string; annotations: Record<string, string> }[] = only(
      await render(examples.everything),
      'PrometheusRule',
    ).spec.groups[0].rules;
    const told = (await readFile(resolve(chart, '../README.md'), 'utf8')).matchAll(
      /^\| `\w+` \| `(.*?)` \| (\d+m) \|/gm,
    );
    const here = /,?namespace="rootspan"/g;
    expect(
      rules.map(({ expr, for: time }) => `${expr.replace(here, '').replaceAll('{}', '')} for ${time}`),
    ).toEqual([...told].map(([, expr, time]) => `${expr} for ${time}`));
    for (const { expr } of rules)
      expect(expr.match(here)).toHaveLength(expr.match(/rootspan_forwarder_\w+/g)!.length);
    // Prometheus fills these in; Helm has to leave them.
    expect(rules.map(({ annotations }) => Object.values(annotations).join()).join()).toContain(
      '{{ $labels.reason }}',
    );
  });

  it('have alerts of figures that there are', async () => {
    const figures = await createMetrics({
      channelBytes: () => 0,
      cachedObjects: () => 0,
      checkpointAge: () => 0,
      leads: () => true,
      failing: () => undefined,
      customKinds: () => new Map(),
    }).read();
    const rules = JSON.stringify(only(await render(examples.everything), 'PrometheusRule'));
    for (const name of rules.match(/rootspan_forwarder_\w+/g)!) expect(figures).toContain(`# TYPE ${name} `);
  });
});

describe('helm test', () => {
  it('runs the check as it stands in its file, in the image of the forwarder', async () => {
    const manifests = await render(examples.everything);
    const [container] = testPodOf(manifests).containers;
    const file = await readFile(resolve(chart, 'files/check-forwarder.mjs'), 'utf8');
    expect(container.args[0].replaceAll('$$', '$').trim()).toBe(file.trim());
    expect(container.image).toBe(podOf(manifests).containers[0].image);
    expect(container.env[0].value).toBe(`${only(manifests, 'Service').metadata.name}.rootspan.svc`);
  });

  it('is no replica, and may ask them where the network is closed', async () => {
    const manifests = await render({
      ...examples.everything,
      networkPolicy: { enabled: true, scrapedBy: [] },
    });
    const { labels } = only(manifests, 'Pod').metadata;
    expect(labels).not.toMatchObject(only(manifests, 'Deployment').spec.selector.matchLabels);
    expect(only(manifests, 'NetworkPolicy').spec.ingress.map(({ from }: { from: object[] }) => from)).toEqual(
      [[{ podSelector: { matchLabels: labels } }]],
    );
  });
});

describe('replicas', () => {
  it('one: no budget that would only keep its node from being drained', async () => {
    const manifests = await render(plain);
    expect(manifests.map(({ kind }) => kind)).not.toContain('PodDisruptionBudget');
    expect(podOf(manifests)).not.toHaveProperty('topologySpreadConstraints');
  });

  it('two: one goes at a time, and they keep apart where they can', async () => {
    const manifests = await render({ ...plain, replicas: 2 });
    expect(only(manifests, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1);
    expect(
      podOf(manifests).topologySpreadConstraints.map(
        ({ topologyKey, whenUnsatisfiable }: Record<string, string>) => `${topologyKey} ${whenUnsatisfiable}`,
      ),
    ).toEqual(['kubernetes.io/hostname ScheduleAnyway', 'topology.kubernetes.io/zone ScheduleAnyway']);
  });
});

describe('credentials', () => {
  const annotation = 'eks.amazonaws.com/role-arn';
  const accountOf = (manifests: Manifest[]) => only(manifests, 'ServiceAccount').metadata.annotations;

  it('takes what the stack prints for a cluster', async () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    const clusters = { prod: { eksClusterArn: 'arn:aws:eks:eu-west-1:111111111111:cluster/prod' } };
    const outputs = Template.fromStack(
      new RootspanStack(app, 'Rootspan', readSettings({ clusters })),
    ).findOutputs('*');
    const { Value } = Object.entries(outputs).find(([name]) => name.includes('HelmValues'))![1];
    const printed = resolveOutput(Value);
    const manifests = parse(
      await template(...printed.split(' '), '--set', `image.repository=${plain.image.repository}`),
    );
    expect(environmentOf(manifests)).toMatchObject({
      CLUSTER_NAME: 'prod',
      STREAM_NAME: 'Rootspan-Stream',
      AWS_REGION: 'eu-west-1',
    });
    expect(only(manifests, 'ServiceAccount').metadata.name).toBe('rootspan-forwarder');
    expect(accountOf(manifests)).toEqual({ [annotation]: streamRole });
  });

  it('leaves the service account alone where there is no role, or somebody else made it', async () => {
    expect(accountOf(await render(examples['without a role']))).toBeUndefined();
    const manifests = await render(examples.everything);
    expect(manifests.map(({ kind }) => kind)).not.toContain('ServiceAccount');
    expect(podOf(manifests).serviceAccountName).toBe('own');
  });

  it('of a principal: the AWS SDK goes from its web identity to the role of the stream', async () => {
    const manifests = await render(examples['a principal with a web identity']);
    expect(accountOf(manifests)).toEqual({ [annotation]: principal });
    // What EKS sets too must not get in the way.
    const found = await assumeWith(manifests, { AWS_ROLE_ARN: principal });
    expect(found).toEqual([
      `AssumeRoleWithWebIdentity ${principal} as the-service-account`,
      `AssumeRole ${streamRole} as AKIA222222222222`,
      'AKIA111111111111',
    ]);
  });

  it('of a principal: from keys in a Secret to the role of the stream', async () => {
    const manifests = await render(examples['a principal with a secret']);
    expect(accountOf(manifests)).toBeUndefined();
    const found = await assumeWith(manifests, {});
    expect(found).toEqual([`AssumeRole ${streamRole} as AKIAUSER`, 'AKIA111111111111']);
  });
});

type Output = string | { Ref: string } | { 'Fn::GetAtt': string[] } | { 'Fn::Join': [string, Output[]] };

/** As CloudFormation would, in an account where the names are those of `plain`. */
function resolveOutput(value: Output): string {
  if (typeof value === 'string') return value;
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(resolveOutput).join(value['Fn::Join'][0]);
  if ('Fn::GetAtt' in value) return streamRole;
  return value.Ref === 'AWS::Region' ? plain.stream.region : plain.stream.name;
}

/**
 * What the SDK asks of STS with the chart's configuration, and whose keys it then has.
 * @param more what a cluster adds to the environment
 */
async function assumeWith(manifests: Manifest[], more: Record<string, string>): Promise<string[]> {
  const asked: string[] = [];
  const sts = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const [action, role] = [form.get('Action')!, form.get('RoleArn')!];
    const by =
      form.get('WebIdentityToken') ?? /Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1];
    asked.push(`${action} ${role} as ${by}`);
    response
      .setHeader('content-type', 'text/xml')
      .end(
        `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>` +
          `<AccessKeyId>AKIA${role.split(':')[4]}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
          '<SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>' +
          `</Credentials></${action}Result></${action}Response>`,
      );
  }).listen(0, '127.0.0.1');
  await once(sts, 'listening');
  try {
    const environment = environmentOf(manifests);
    const token = join(folder, 'token');
    const config = join(folder, 'config');
    const credentials = join(folder, 'credentials');
    await writeFile(token, 'the-service-account');
    await writeFile(
      config,
      only(manifests, 'ConfigMap').data!.config!.replace(/(?<=web_identity_token_file = ).*/, token),
    );
    await writeFile(credentials, '[principal]\naws_access_key_id = AKIAUSER\naws_secret_access_key = s\n');
    const { stdout } = await run(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { KinesisClient } from '@aws-sdk/client-kinesis';
        console.log((await new KinesisClient().config.credentials()).accessKeyId);`,
      ],
      {
        cwd: import.meta.dirname,
        env: {
          PATH: process.env.PATH,
          AWS_REGION: environment.AWS_REGION,
          AWS_PROFILE: environment.AWS_PROFILE,
          AWS_CONFIG_FILE: config,
          AWS_SHARED_CREDENTIALS_FILE:
            environment.AWS_SHARED_CREDENTIALS_FILE === undefined ? join(folder, 'none') : credentials,
          AWS_WEB_IDENTITY_TOKEN_FILE: token,
          AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
          ...more,
        },
      },
    );
    return [...asked, stdout.trim()];
  } finally {
    sts.close();
  }
}

describe('a wrong value is refused, by name', () => {
  const { cluster, stream, image } = plain;
  test.each<[string, object, RegExp]>([
    [
      'nothing given',
      {},
      /cluster\.name: .*HelmValues[\s\S]*stream\.name: [\s\S]*stream\.region: [\s\S]*image\.repository: only a published chart/,
    ],
    [
      'no image',
      { cluster, stream },
      /image\.repository: only a published chart names an image; build infra\/kubernetes\/Dockerfile/,
    ],
    ['a misspelt setting', { ...plain, filter: {} }, /additional properties 'filter' not allowed/],
    [
      'a misspelt setting further down',
      { ...plain, filters: { namespace: {} } },
      /'\/filters'.*'namespace' not allowed/,
    ],
    [
      'an ARN for a name',
      { ...plain, stream: { ...stream, name: 'arn:aws:kinesis:eu-west-1:111111111111:stream/x' } },
      /'\/stream\/name'.* does not match/,
    ],
    [
      'no region',
      { ...plain, stream: { ...stream, region: 'Ireland' } },
      /'\/stream\/region': 'Ireland' does not match/,
    ],
    [
      'no ARN',
      { ...plain, stream: { ...stream, roleArn: 'Rootspan-prod' } },
      /'\/stream\/roleArn': 'Rootspan-prod' does not match/,
    ],
    [
      'a repository with its tag',
      { ...plain, image: { repository: 'images.example:5000/rootspan-forwarder:0.1.0' } },
      /'\/image\/repository'.* does not match/,
    ],
    [
      'a type of Events that there is not, which would filter all of them',
      { ...plain, filters: { types: { include: ['warning'] } } },
      /'\/filters\/types\/include\/0': 'warning' does not match/,
    ],
    [
      'a resource for a kind, which would filter nothing',
      { ...plain, filters: { kinds: { exclude: ['pods'] } } },
      /'\/filters\/kinds\/exclude\/0': 'pods' does not match/,
    ],
    [
      'a label that the Deployment selects by',
      { ...plain, podLabels: { 'app.kubernetes.io/name': 'tracing' } },
      /podLabels: app\.kubernetes\.io\/name is set by the chart/,
    ],
    ['three replicas', { ...plain, replicas: 3 }, /'\/replicas': maximum: got 3, want 2/],
    [
      'a tag in the repository’s place',
      { ...plain, image: { repository: 'images.example/x@sha256:0' } },
      /'\/image\/repository'.* does not match/,
    ],
    [
      'a digest that is none',
      { ...plain, image: { ...image, digest: 'latest' } },
      /'\/image\/digest': 'latest' does not match/,
    ],
    [
      'a kind without its plural',
      { ...plain, extraKinds: [{ apiVersion: 'v1', kind: 'Service' }] },
      /'\/extraKinds\/0': missing property 'resource'/,
    ],
    [
      'a kind of no group',
      { ...plain, extraKinds: [{ resource: 'services' }] },
      /'\/extraKinds\/0': missing property 'group'/,
    ],
    [
      'a kind for a resource',
      { ...plain, lookups: { 'keda.sh': ['ScaledJob'] } },
      /'\/lookups\/keda\.sh\/0': 'ScaledJob' does not match/,
    ],
    [
      'everything of a group to watch',
      { ...plain, watch: { 'keda.sh': ['*'] } },
      /'\/watch\/keda\.sh\/0': '\*' does not match/,
    ],
    ['Secrets to watch', { ...plain, watch: { core: ['secrets'] } }, /secrets are never read/],
    [
      'workloads to watch again',
      { ...plain, watch: { apps: ['deployments'] } },
      /watch: deployments are watched as it is/,
    ],
    [
      'everything of a group',
      { ...plain, lookups: { 'keda.sh': ['*'] } },
      /'\/lookups\/keda\.sh\/0': '\*' does not match/,
    ],
    ['Secrets', { ...plain, lookups: { core: ['secrets'] } }, /secrets are never read/],
    [
      'ConfigMaps',
      { ...plain, extraKinds: [{ apiVersion: 'v1', kind: 'ConfigMap', resource: 'configmaps' }] },
      /configmaps are never read/,
    ],
    [
      'Events again',
      { ...plain, extraKinds: [{ apiVersion: 'v1', kind: 'Event', resource: 'events' }] },
      /extraKinds: Events are watched as it is/,
    ],
    ...watchedObjects.map((kind): [string, object, RegExp] => [
      `${kind.kind}s again`,
      { ...plain, extraKinds: [kind] },
      new RegExp(`extraKinds: ${kind.resource} are watched as it is`),
    ]),
    [
      'a volume of the node',
      { ...plain, extraVolumes: [{ name: 'ca', hostPath: { path: '/etc/ssl' } }] },
      /'\/extraVolumes\/0': additional properties 'hostPath' not allowed/,
    ],
    [
      'a volume of the chart',
      { ...plain, extraVolumes: [{ name: 'signing', emptyDir: {} }] },
      /extraVolumes: signing is a volume of the chart/,
    ],
    [
      'a mount of nothing',
      { ...plain, extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca' }] },
      /extraVolumeMounts: ca is none of extraVolumes/,
    ],
    [
      'a mount over the forwarder',
      { ...plain, extraVolumeMounts: [{ name: 'ca', mountPath: '/app' }] },
      /'\/extraVolumeMounts\/0\/mountPath'/,
    ],
    [
      'figures that are scraped twice',
      { ...plain, metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
      /metrics: podMonitor and serviceMonitor scrape the same/,
    ],
    ['root', { ...plain, runAsUser: 0 }, /'\/runAsUser': minimum: got 0, want 1/],
    [
      'what the chart sets itself',
      { ...plain, extraEnv: [{ name: 'NODE_OPTIONS', value: '' }] },
      /extraEnv: NODE_OPTIONS is set by the chart/,
    ],
    [
      'a principal without its role',
      assuming({ from: 'webIdentity' }),
      /stream\.assumeRole\.principalArn: which role/,
    ],
    [
      'a principal without its keys',
      assuming({ from: 'secret' }),
      /stream\.assumeRole\.secretName: which Secret/,
    ],
    [
      'a principal of nothing',
      { ...plain, stream: { name: 'x', region: 'eu-west-1', assumeRole: { from: 'node' } } },
      /stream\.roleArn: which role is to be assumed/,
    ],
  ])('%s', async (_, values, message) => {
    await expect(template('-f', await fileOf(values))).rejects.toThrow(message);
  });
});
