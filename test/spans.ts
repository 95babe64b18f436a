/** Plausible spans without the causal core: what a rollout, a failing one and a crash loop look like. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Attributes, Span } from '../shared/span.ts';

const SECOND = 1_000_000_000n;
/** 2026-11-23 05:11:29 UTC. */
const START = 1_795_410_689n * SECOND;

export type SpanFacts = {
  name: string;
  object: string;
  trace?: string;
  id?: string;
  parent?: Span | string | null;
  /** Seconds after START. */
  at?: number;
  /** Seconds. */
  lasts?: number;
  namespace?: string;
  service?: string;
  /** Makes the span an error. */
  error?: string;
  message?: string;
  manager?: string;
  outcome?: string;
  links?: Span[];
  attributes?: Attributes;
};

export const hexId = (seed: string, digits: 16 | 32): string =>
  createHash('sha256').update(seed).digest('hex').slice(0, digits);

const nanoseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1e6)) * 1000n;

/** A span of the contract; the ids follow from what it says. */
export function makeSpan(facts: SpanFacts): Span {
  const { name, object, at = 0, lasts = 0, namespace = 'shop', parent = null } = facts;
  const kind = name.split('.')[0]!;
  const trace = facts.trace ?? 'trace';
  const start = START + nanoseconds(at);
  const key = kind.toLowerCase();
  const event: Attributes =
    facts.manager === undefined
      ? {
          'k8s.event.reason': name.split('.')[1] ?? '',
          'k8s.event.type': facts.error === undefined ? 'Normal' : 'Warning',
          'k8s.event.message': facts.error ?? facts.message ?? '',
          'k8s.event.count': 1,
        }
      : {
          'k8s.object.generation': 1,
          'rootspan.change.manager': facts.manager,
          'rootspan.change.operation': 'Apply',
          'rootspan.change.outcome': facts.outcome ?? 'complete',
        };
  return {
    traceId: hexId(trace, 32),
    spanId: facts.id ?? hexId(`${trace} ${name} ${object} ${at}`, 16),
    parentSpanId: parent === null || typeof parent === 'string' ? parent : parent.spanId,
    name,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + nanoseconds(lasts)),
    status: facts.error === undefined ? { code: 'UNSET' } : { code: 'ERROR', message: facts.error },
    resource: {
      'service.name': facts.service ?? facts.manager ?? 'kubelet',
      'k8s.cluster.name': 'prod-eu-1',
      'k8s.cluster.uid': '2f1d4f5e-7d6b-4a52-9d0e-6f0c3c1a9b77',
    },
    attributes: {
      'k8s.namespace.name': namespace,
      [`k8s.${key}.name`]: object,
      'k8s.object.api_version': kind === 'Pod' ? 'v1' : 'apps/v1',
      'k8s.object.kind': kind,
      'k8s.object.name': object,
      'k8s.object.uid': `${hexId(`${namespace} ${kind} ${object}`, 32)}`,
      ...event,
      ...facts.attributes,
    },
    links: (facts.links ?? []).map(({ traceId, spanId }) => ({
      traceId,
      spanId,
      attributes: { 'rootspan.link': 'moved-pods-of' },
    })),
  };
}

export type RolloutFacts = {
  name: string;
  replicas: number;
  namespace?: string;
  manager?: string;
  /** Seconds after START. */
  at?: number;
  /** Pods (by their number) whose image cannot be pulled. */
  badImage?: number[];
  /** Pods (by their number) whose container crashes, and how often. */
  crashes?: Record<number, number>;
  outcome?: string;
  links?: Span[];
};

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
const suffix = (i: number) =>
  Array.from({ length: 5 }, (_, k) => SUFFIX[(i * 7 + k * 11 + i * k * 3) % SUFFIX.length]).join('');

/** Deployment.Apply → ScalingReplicaSet → SuccessfulCreate for each pod → what scheduler and kubelet did with it. */
export function makeRollout(facts: RolloutFacts): Span[] {
  const { name, replicas, namespace = 'shop', at = 0, badImage = [], crashes = {} } = facts;
  const trace = `${namespace}/${name} at ${at}`;
  const replicaSet = `${name}-${hexId(trace, 16).slice(0, 9)}`;
  const common = { trace, namespace };
  const spans: Span[] = [];
  const add = (span: SpanFacts) => {
    const made = makeSpan({ ...common, ...span });
    spans.push(made);
    return made;
  };

  const root = add({
    name: 'Deployment.Apply',
    object: name,
    at,
    manager: facts.manager ?? 'kubectl-client-side-apply',
    outcome: facts.outcome ?? (badImage.length > 0 ? 'failed' : 'complete'),
    links: facts.links ?? [],
  });
  const scaling = add({
    name: 'Deployment.ScalingReplicaSet',
    object: name,
    parent: root,
    at: at + 0.004,
    service: 'deployment-controller',
    message: `Scaled up replica set ${replicaSet} from 0 to ${replicas}`,
  });
  let end = at + 0.1;
  for (let i = 0; i < replicas; i++) {
    const pod = `${replicaSet}-${suffix(i)}`;
    const made = at + 0.03 + i * 0.021;
    const create = add({
      name: 'ReplicaSet.SuccessfulCreate',
      object: replicaSet,
      parent: scaling,
      at: made,
      service: 'replicaset-controller',
      message: `Created pod: ${pod}`,
    });
    const node = `node-${(i % 3) + 1}`;
    let now = made + 0.012;
    const step = (reason: string, lasts: number, more: Partial<SpanFacts> = {}) => {
      add({
        name: `Pod.${reason}`,
        object: pod,
        parent: create,
        at: now,
        lasts,
        attributes: { 'k8s.node.name': node, 'k8s.container.name': 'app' },
        ...more,
      });
      now += lasts;
    };
    const wobble = ((i * 37) % 17) / 17;
    step('Scheduled', 0.38 + wobble * 0.4, {
      service: 'default-scheduler',
      message: `Successfully assigned ${namespace}/${pod} to ${node}`,
    });
    step('Pulling', 0.6 + wobble * 1.7, { message: `Pulling image "registry.example/${name}:v2"` });
    if (badImage.includes(i)) {
      const missing = `Failed to pull image "registry.example/${name}:v2": not found`;
      step('Failed', 0.01, { error: missing });
      step('BackOff', 11.2, { error: `Back-off pulling image "registry.example/${name}:v2"` });
      step('Pulling', 0.4, { message: `Pulling image "registry.example/${name}:v2"` });
      step('Failed', 0, { error: 'Error: ImagePullBackOff' });
    } else {
      step('Pulled', 0.03, {
        message: `Successfully pulled image "registry.example/${name}:v2" in ${600 + Math.round(wobble * 1700)}ms`,
      });
      step('Created', 0.08 + wobble * 0.1, { message: 'Container created' });
      step('Started', 0, { message: 'Container started' });
      let wait = 1;
      for (let crash = 0; crash < (crashes[i] ?? 0); crash++) {
        now += wait;
        step('BackOff', 0, {
          error: `Back-off restarting failed container app in pod ${pod}_${namespace}`,
          attributes: {
            'k8s.event.uid': `back-off of ${pod}`,
            'k8s.event.count': crash + 1,
            'k8s.node.name': node,
            'k8s.container.name': 'app',
          },
        });
        wait = Math.min(wait * 1.6, 60);
      }
    }
    create.endTimeUnixNano = String(START + nanoseconds(now));
    end = Math.max(end, now);
  }
  for (const span of [root, scaling]) span.endTimeUnixNano = String(START + nanoseconds(end));
  return spans;
}

/** A morning in one cluster: a good rollout, a big one, one with a missing image, one that crashes, a drain. */
export function makeMorning(): Span[] {
  const web = makeRollout({ name: 'web', replicas: 3 });
  const drain = makeSpan({
    name: 'Node.NodeNotSchedulable',
    object: 'node-2',
    trace: 'drain',
    namespace: 'default',
    at: 95,
    lasts: 7.4,
    message: 'Node node-2 status is now: NodeNotSchedulable',
    links: [web[0]!],
  });
  const killing = makeSpan({
    name: 'Pod.Killing',
    object: web[9]!.attributes['k8s.object.name'] as string,
    trace: 'drain',
    parent: drain,
    at: 96.1,
    lasts: 6.3,
    message: 'Stopping container app',
  });
  return [
    ...web,
    ...makeRollout({
      name: 'checkout',
      namespace: 'payments',
      replicas: 30,
      manager: 'argocd-controller',
      at: 12,
    }),
    ...makeRollout({ name: 'search', replicas: 4, manager: 'helm', at: 31, badImage: [1, 3] }),
    ...makeRollout({
      name: 'worker',
      namespace: 'batch',
      replicas: 2,
      at: 60,
      crashes: { 1: 12 },
      outcome: 'failed',
    }),
    drain,
    killing,
  ];
}

/** Texts that break what shows them: markup, escape codes, template holes, wide and reversed characters. */
export const HOSTILE = [
  '</script><script>document.title="owned"</script>',
  '<img src=x onerror="document.title=\'owned\'">',
  '<!--script--> $& $1 {{title}} <!--',
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007 \r\n line two\u2028three',
  '\u202egnp.exe',
  '漢字のメッセージ 👩‍👩‍👧‍👦 é 🇨🇭',
  '__proto__',
  '\ud800 lone',
  '',
  ' ',
  'x'.repeat(300),
];

/** Control characters other than line breaks: what a terminal would obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
export const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;

const text = fc.oneof(
  fc.constantFrom(...HOSTILE, 'web', 'Pod.Pulling', 'kubelet'),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const facts = fc.record({
  trace: fc.integer({ min: 0, max: 3 }),
  parent: fc.option(fc.integer({ min: 0, max: 60 })),
  start: fc.bigInt({ min: 0n, max: 9_000_000_000_000_000_000n }),
  lasts: fc.oneof(fc.constant(0n), fc.bigInt({ min: -5n, max: 4_000_000_000_000n })),
  name: fc.oneof(fc.constantFrom('Pod.Pulling', 'Pod.BackOff', 'ReplicaSet.SuccessfulCreate'), text),
  object: text,
  message: text,
  service: text,
  failed: fc.boolean(),
  manager: fc.option(text),
  link: fc.option(fc.integer({ min: 0, max: 3 })),
});

/** Up to 60 spans that only just keep the contract: any text, rings of parents, ends before starts, many alike. */
export const anySpans: fc.Arbitrary<Span[]> = fc.array(facts, { maxLength: 60, size: 'max' }).map((all) =>
  all.map((fact, i) => {
    const near = START + (fact.start % 1_000_000_000_000n);
    const start = fact.failed ? near : fact.start;
    const id = (n: number) => (n + 1).toString(16).padStart(16, '0');
    return {
      traceId: hexId(String(fact.trace), 32),
      spanId: id(i),
      parentSpanId: fact.parent === null ? null : id(fact.parent),
      name: fact.name,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + fact.lasts < 0n ? 0n : start + fact.lasts),
      status: fact.failed ? { code: 'ERROR', message: fact.message } : { code: 'UNSET' },
      resource: { 'service.name': fact.service },
      attributes: {
        'k8s.object.name': fact.object,
        'k8s.event.message': fact.message,
        ...(fact.manager === null
          ? {}
          : {
              'rootspan.change.manager': fact.manager,
              'rootspan.change.operation': 'Apply',
              'rootspan.change.outcome': fact.message,
            }),
      },
      links: fact.link === null ? [] : [{ traceId: hexId(String(fact.link), 32), spanId: id(0) }],
    };
  }),
);
