/** What a forwarder ships of objects and Events that a workload makes up: uids, names and times as random as a cluster's. */
import { createDraw } from '../../../infra/local/simulate/draw.ts';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../shared/observation.ts';

/** When every workload begins. */
export const start = Date.parse('2026-01-05T08:00:00Z');

export interface Subject {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  owner?: Subject;
}

export interface Saying {
  reason: string;
  message: string;
  component: string;
  instance?: string;
  fieldPath?: string;
  type?: 'Normal' | 'Warning';
}

/** An Event that is patched: its first time, and how often by now. */
export interface Repeat {
  uid: string;
  first: number;
  count: number;
}

export type Details = Partial<ObjectSnapshot['object']> & { deleted?: boolean };

const groups: Readonly<Record<string, string>> = {
  Pod: 'v1',
  Node: 'v1',
  Job: 'batch/v1',
  ScaledJob: 'keda.sh/v1alpha1',
};

/** What Kubernetes makes suffixes of names from. */
const nameDigits = 'bcdfghjklmnpqrstvwxz2456789';

/** The same seed gives the same names and times. */
export function createCluster(seed: number | string) {
  const random = createDraw(String(seed)).unit;
  const digits = (length: number, alphabet = nameDigits) =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
  const uid = () => [8, 4, 4, 4, 12].map((length) => digits(length, '0123456789abcdef')).join('-');
  return {
    random,
    between: (low: number, high: number) => low + random() * (high - low),
    digits,
    uid,
    object: (kind: string, name: string, owner?: Subject): Subject => ({
      apiVersion: groups[kind] ?? 'apps/v1',
      kind,
      namespace: 'shop',
      name,
      uid: uid(),
      ...(owner !== undefined && { owner }),
    }),
    see: (at: number, { owner, ...object }: Subject, details?: Details): Observation =>
      snapshotOf(at, object, owner, details),
    say: (at: number, { owner: _, ...about }: Subject, saying: Saying, repeat?: Repeat): Observation => ({
      type: 'event',
      observedAt: rfc(at + 0.02),
      event: eventOf(repeat?.uid ?? uid(), random, at, about, saying, repeat),
    }),
  };
}

export type Cluster = ReturnType<typeof createCluster>;

export const momentOf = ({ observedAt }: Observation): number => Date.parse(observedAt);

/** Of several stories what happens in ten minutes at a time, in order: a day of all of them would not fit into memory. */
export function* inOrder(stories: readonly Iterator<Observation, void>[]): Generator<Observation, void> {
  const window = 600_000;
  const heads = stories.map((story) => ({ story, head: story.next() }));
  for (let until = start + window; heads.some(({ head }) => head.done !== true); until += window) {
    const some: Observation[] = [];
    for (const one of heads) {
      for (; one.head.done !== true && momentOf(one.head.value) < until; one.head = one.story.next()) {
        some.push(one.head.value);
      }
    }
    yield* sorted(some);
  }
}

export const sorted = (some: readonly Observation[]): Observation[] =>
  some.toSorted((a, b) => momentOf(a) - momentOf(b));

export const rfc = (seconds: number) => new Date(start + seconds * 1000).toISOString();
export const wholeSecond = (seconds: number) => `${rfc(seconds).slice(0, 19)}Z`;
const versionAt = (seconds: number) => String(1000 + Math.round(seconds * 1000));

export function snapshotOf(
  at: number,
  { apiVersion, kind, ...rest }: Omit<Subject, 'owner'>,
  owner?: Subject,
  { deleted = false, ...details }: Details = {},
): ObjectSnapshot {
  return {
    type: 'object',
    observedAt: rfc(at),
    deleted,
    object: {
      apiVersion,
      kind,
      ...rest,
      resourceVersion: versionAt(at),
      generation: 1,
      creationTimestamp: wholeSecond(at),
      ...(owner !== undefined && { owner: { kind: owner.kind, name: owner.name, uid: owner.uid } }),
      managers: [
        {
          manager: owner === undefined ? 'kubectl-client-side-apply' : 'kube-controller-manager',
          operation: 'Update',
          time: wholeSecond(at),
          ownsSpec: true,
        },
      ],
      ...details,
    },
  };
}

/** The scheduler's are of the new kind: microseconds, and no count. */
export function eventOf(
  uid: string,
  random: () => number,
  at: number,
  about: Omit<Subject, 'owner'>,
  said: Saying,
  { first, count }: Omit<Repeat, 'uid'> = { first: at, count: 1 },
): EventOccurrence['event'] {
  const { reason, message, component, instance, fieldPath, type = 'Normal' } = said;
  const fraction = count === 1 ? random() : Number.parseInt(uid.slice(0, 8), 16) / 2 ** 32;
  const nanoseconds =
    BigInt(start + Math.round(first * 1000)) * 1_000_000n + BigInt(Math.floor(fraction * 1e6));
  const isNew = component === 'default-scheduler';
  return {
    uid,
    name: `${about.name}.${nanoseconds.toString(16).padStart(16, '0')}`,
    namespace: about.namespace,
    resourceVersion: versionAt(at),
    count,
    reason,
    message,
    type,
    ...(isNew && { action: 'Binding' }),
    subject: {
      ...about,
      resourceVersion: versionAt(at - 0.01),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reporter: {
      component,
      ...(isNew && { instance: `${component}-kind-control-plane` }),
      ...(instance !== undefined && { instance }),
    },
    ...(isNew
      ? {
          eventTime: `${rfc(at).slice(0, -1)}${String(nanoseconds % 1_000_000n)
            .padStart(6, '0')
            .slice(0, 3)}Z`,
        }
      : { firstTimestamp: wholeSecond(first), lastTimestamp: wholeSecond(at) }),
  };
}
