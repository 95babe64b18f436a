/**
 * A cluster's story in a few words: what a test tells, as the observations that a forwarder would ship, and its traces. Times are
 * seconds since noon; Events are legacy ones with whole seconds and a recorder's nanoseconds in their name, as most are.
 */
import { assemble } from '../../../../functions/correlator/causality/assemble.ts';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const rfc = (seconds: number) => new Date(noon + Math.round(seconds * 1000)).toISOString();
const wholeSecond = (seconds: number) => `${rfc(Math.floor(seconds)).slice(0, 19)}Z`;
const nanos = (seconds: number) => BigInt(noon + Math.round(seconds * 1000)) * 1_000_000n;

type Subject = Pick<ObjectSnapshot['object'], 'kind' | 'name' | 'uid'>;
type EventDetails = Partial<EventOccurrence['event']> & { seen?: number };
type ObjectDetails = Partial<ObjectSnapshot['object']> & { deleted?: boolean; seen?: number };

export const atSecond = nanos;
/** Past every bound: all traces are closed. */
export const atTheEnd = 10n ** 19n;

export function thing(kind: string, name: string, owner?: Subject): Subject & { owner?: Subject } {
  return { kind, name, uid: `uid-${kind}-${name}`, ...(owner !== undefined && { owner }) };
}

export function snapshot(
  at: number,
  { kind, name, uid, owner }: Subject & { owner?: Subject },
  { deleted = false, seen = at, ...details }: ObjectDetails = {},
): ObjectSnapshot {
  return {
    type: 'object',
    observedAt: rfc(seen),
    deleted,
    object: {
      apiVersion: 'v1',
      kind,
      namespace: 'shop',
      name,
      uid,
      resourceVersion: String(1000 + Math.round(at * 1000)),
      ...(['Deployment', 'ReplicaSet', 'StatefulSet', 'Job', 'Pod', 'CronJob'].includes(kind) && {
        generation: 1,
      }),
      creationTimestamp: wholeSecond(at),
      ...(owner !== undefined && { owner: { kind: owner.kind, name: owner.name, uid: owner.uid } }),
      ...details,
    },
  };
}

export function event(
  at: number,
  subject: Subject,
  reason: string,
  message: string,
  { seen = at + 0.02, ...details }: EventDetails = {},
): EventOccurrence {
  const uid = details.uid ?? `${subject.uid}-${reason}-${Math.round(at * 1000)}`;
  return {
    type: 'event',
    observedAt: rfc(seen),
    event: {
      uid,
      name: `${subject.name}.${nanos(at).toString(16).padStart(16, '0')}`,
      namespace: 'shop',
      resourceVersion: String(1001 + Math.round(at * 1000)),
      count: 1,
      reason,
      message,
      type: 'Normal',
      subject: { kind: subject.kind, namespace: 'shop', name: subject.name, uid: subject.uid },
      reporter: { component: 'test' },
      firstTimestamp: wholeSecond(at),
      lastTimestamp: wholeSecond(at),
      ...details,
    },
  };
}

/** Of an Event that is about a pod's container. */
export const onContainer = ({ kind, name, uid }: Subject, container = 'app'): EventDetails => ({
  subject: { kind, namespace: 'shop', name, uid, fieldPath: `spec.containers{${container}}` },
});

/** A Deployment's first rollout: one ReplicaSet of one pod. */
export function rollout(at: number, name = 'web') {
  const deployment = thing('Deployment', name);
  const replicaSet = thing('ReplicaSet', `${name}-1`, deployment);
  const pod = thing('Pod', `${name}-1-a`, replicaSet);
  const observations: Observation[] = [
    snapshot(at, deployment, { replicas: 1 }),
    snapshot(at + 0.01, replicaSet, { replicas: 1 }),
    event(at + 0.02, deployment, 'ScalingReplicaSet', `Scaled up replica set ${name}-1 from 0 to 1`),
    snapshot(at + 0.03, pod),
    event(at + 0.04, replicaSet, 'SuccessfulCreate', `Created pod: ${name}-1-a`),
    event(at + 0.05, pod, 'Scheduled', `Successfully assigned shop/${name}-1-a to n1`),
  ];
  return { deployment, replicaSet, pod, observations };
}

/** What the core makes of a story in the end. */
export const spansOf = (...observations: Observation[]): Span[] =>
  assemble({ cluster: {}, observations, now: atTheEnd }).map(({ span }) => span);

/** A story's traces, as `outline` shows them. */
export const tell = (...observations: Observation[]): string => outline(spansOf(...observations));

/** Names as an indented tree, a trace after a trace, siblings by start; with `why`, the rule and the ground of each line. */
export function outline(spans: readonly Span[], { why = false } = {}): string {
  const byStart = [...spans].sort(
    (a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)) || (a.name < b.name ? -1 : 1),
  );
  const lines: string[] = [];
  const write = (span: Span, level: number) => {
    const {
      'k8s.object.name': object,
      'rootspan.because': because,
      'rootspan.evidence': evidence,
    } = span.attributes;
    const reason = why && because !== undefined ? ` [${because}/${evidence}]` : '';
    lines.push(`${'  '.repeat(level)}${span.name} ${object}${reason}`);
    for (const child of byStart) if (child.parentSpanId === span.spanId) write(child, level + 1);
  };
  for (const span of byStart) if (span.parentSpanId === null) write(span, 0);
  return lines.join('\n');
}
