/**
 * How long anything that an observation holds may be: one table. Whoever may write one Event or one object could else stop all
 * clusters with it: keys and items of DynamoDB, messages of SQS and records of Kinesis have limits. Nothing that a real API server
 * was seen to write is changed by it, but for messages of more than 8 kB.
 *
 * What says who somebody is (names, UIDs, versions) is hashed where it is too long, never cut: two that differ stay two. Texts are
 * cut. Both are said in `truncated`. What is within its bounds stays the same, and so does what was brought within them: forwarder
 * and ingest may both do it.
 */
import { hash } from 'node:crypto';
import type {
  Cluster,
  EventOccurrence,
  ObjectReference,
  ObjectSnapshot,
  Observation,
} from './observation.ts';
import { suspendSha256 } from './resumed-sha256.ts';
import { longestSectionText, mostSections, statusWords } from './snapshot-fields.ts';

/** In bytes of UTF-8. Smaller: an explanation is missing. Larger: one Event is as dear as fifty. */
export const longestMessage = 8_192;

/**
 * Of one observation, in characters (UTF-16 units): of an object with many long lists the longest go, until the rest fits. In
 * UTF-8 less than half of what an item of DynamoDB may hold (400 kB), and with each character escaped in JSON less than a batch
 * (512 KiB). Smaller: a pod of 200 containers loses them.
 */
const longestObservation = 64_000;

interface Bound<T> {
  /** Characters; Infinity where it is too long. */
  measure(value: T): number;
  /** `path`: its name for `tell`. */
  fit(value: T, path: string, tell: (path: string) => void): T;
}

/** Bytes of UTF-8. */
const text = (most: number): Bound<string> => ({
  measure: (value) =>
    value.length <= most &&
    value.isWellFormed() &&
    (value.length * 3 <= most || Buffer.byteLength(value) <= most)
      ? value.length
      : Number.POSITIVE_INFINITY,
  fit(value, path, tell) {
    const cut = cutText(value.toWellFormed(), most);
    if (cut.length < value.length) tell(path);
    return cut;
  },
});

/** Characters. `shorten` gives the same for the same, and no other's. Half a character is written as UTF-8 writes it. */
const identity = (most: number, shorten: (value: string) => string): Bound<string> => ({
  measure: (value) =>
    value.length <= most && value.isWellFormed() ? value.length : Number.POSITIVE_INFINITY,
  fit(value, path, tell) {
    if (value.length <= most) return value.toWellFormed();
    tell(path);
    return shorten(value);
  },
});

const digestLength = 32;
const name = (most: number): Bound<string> =>
  identity(most, (value) => {
    const shown = value.slice(0, most - digestLength - 1).toWellFormed();
    return `${shown}~${hash('sha256', value, 'hex').slice(0, digestLength)}`;
  });

/** Ids of spans and traces are made of UIDs: of the original ones, so it keeps more than a digest. */
const uid = identity(253, suspendSha256);

/** RFC 3339 has digits without end after the point; beyond nanoseconds they say nothing. */
const time: Bound<string> = {
  measure: ({ length }) => (length <= 64 ? length : Number.POSITIVE_INFINITY),
  fit: (value) => value.replace(/(\.\d{9})\d+/, '$1'),
};

/** The first so many. */
const list = <T>(most: number, each: Bound<T>): Bound<T[]> => ({
  measure: (values) =>
    values.length > most
      ? Number.POSITIVE_INFINITY
      : values.reduce((sum, value) => sum + each.measure(value), 0),
  fit(values, path, tell) {
    if (values.length > most) tell(path);
    return values.slice(0, most).map((value) => each.fit(value, path, tell));
  },
});

/** The first so many; an entry whose key is too long is none that an API server took. */
const entries = <T>(most: number, key: number, each: Bound<T>): Bound<Record<string, T>> => ({
  measure(values) {
    let characters = 0;
    let count = 0;
    for (const key_ in values) {
      if (++count > most || key_.length > key) return Number.POSITIVE_INFINITY;
      characters += key_.length + each.measure(values[key_]!);
    }
    return characters;
  },
  fit(values, path, tell) {
    const all = Object.entries(values);
    const kept = all.filter(([key_]) => key_.length <= key).slice(0, most);
    if (kept.length < all.length) tell(path);
    return Object.fromEntries(
      kept.map(([key_, value]) => [key_.toWellFormed(), each.fit(value, path, tell)]),
    );
  },
});

type BoundsOf<T> = {
  readonly [K in keyof T as NonNullable<T[K]> extends number | boolean ? never : K]-?: Bound<
    NonNullable<T[K]>
  >;
};

/** All that is no number: a field without a bound does not compile. */
function fields<T extends object>(bounds: BoundsOf<T>): Bound<T> {
  const rows = Object.entries(bounds) as [keyof T & string, Bound<unknown>][];
  // Every field of every observation: an iterator would cost as much as the measuring.
  const keys = rows.map(([key]) => key);
  const measures = rows.map(([, { measure }]) => measure);
  return {
    measure(values) {
      let characters = 0;
      for (let i = 0; i < keys.length; i++) {
        const value = values[keys[i]!];
        if (value !== undefined) characters += measures[i]!(value);
      }
      return characters;
    },
    fit(values, path, tell) {
      const fitted = { ...values };
      for (const [key, bound] of rows) {
        const value = values[key];
        if (value === undefined) continue;
        fitted[key] = bound.fit(value, path === '' ? key : `${path}.${key}`, tell) as typeof value;
      }
      return fitted;
    },
  };
}

// Kubernetes' own limits where it has them: apimachinery/pkg/util/validation (DNS-1123 subdomains 253, labels 63, qualified
// names 253/63), apimachinery/pkg/apis/meta/v1/validation (field managers 128).
const word = text(128);
const objectName = name(253);
const kind = name(63);
const namespace = name(63);
const apiVersion = name(317);
const version = name(128);
const reason = text(128);
const message = text(longestMessage);
/** What tools write: a revision, a moment. */
const value = text(1_024);
const marks = entries(32, 317, value);
const digest = name(64);
const truncated = list(32, text(64));

const reference = fields<ObjectReference>({
  apiVersion,
  kind,
  namespace,
  name: objectName,
  uid,
  fieldPath: objectName,
  resourceVersion: version,
});

const eventBounds = fields<EventOccurrence['event']>({
  uid,
  name: objectName,
  namespace,
  resourceVersion: version,
  reason,
  message,
  type: word,
  action: reason,
  subject: reference,
  related: reference,
  reporter: fields({ component: objectName, instance: objectName }),
  firstTimestamp: time,
  lastTimestamp: time,
  eventTime: time,
  lastObservedTime: time,
  annotations: marks,
  truncated,
});

type SnapshotObject = ObjectSnapshot['object'];
type Status = NonNullable<SnapshotObject['status']>;
type Container = NonNullable<Status['containers']>[number];

const termination = fields<NonNullable<Container['terminated']>>({
  reason,
  startedAt: time,
  finishedAt: time,
});

const statusBounds = fields<Status>({
  phase: word,
  currentRevision: objectName,
  updateRevision: objectName,
  health: word,
  operation: word,
  words: entries(statusWords.length, 40, word),
  revision: value,
  // 22 types ship by default, and a custom resource may repeat one.
  conditions: list(32, fields({ type: text(317), status: word, reason, message, lastTransitionTime: time })),
  containers: list(
    256,
    fields<Container>({
      name: objectName,
      runningSince: time,
      waiting: reason,
      terminated: termination,
      lastTerminated: termination,
    }),
  ),
});

/** Two values that differ stay two: whether a section changed is told by comparing them. */
const section = name(longestSectionText);
const sectionValue: Bound<string | number | boolean> = {
  measure: (value) => (typeof value === 'string' ? section.measure(value) : 0),
  fit: (value, path, tell) => (typeof value === 'string' ? section.fit(value, path, tell) : value),
};

const specBounds = fields<NonNullable<SnapshotObject['spec']>>({
  key: digest,
  template: digest,
  values: entries(mostSections, longestSectionText, sectionValue),
  digests: entries(mostSections, longestSectionText, digest),
});

const objectBounds = fields<SnapshotObject>({
  apiVersion,
  kind,
  namespace,
  name: objectName,
  uid,
  resourceVersion: version,
  creationTimestamp: time,
  deletionTimestamp: time,
  owner: fields({ apiVersion, kind, name: objectName, uid }),
  annotations: marks,
  labels: marks,
  managers: list(
    128,
    fields({ manager: objectName, operation: word, subresource: objectName, time, fields: digest }),
  ),
  specDigest: digest,
  spec: specBounds,
  restartedAt: value,
  nodeName: objectName,
  claims: list(256, objectName),
  scaleTargetRef: fields({ apiVersion, kind, name: objectName }),
  repository: fields({ url: text(longestSectionText), ref: text(longestSectionText) }),
  source: fields({ kind, namespace, name: objectName }),
  updateStrategy: word,
  truncated,
  status: statusBounds,
});

/** What goes where the whole is too long. */
const lists = ['annotations', 'labels', 'managers', 'claims', 'spec'] as const;
const statusLists = ['conditions', 'containers'] as const;

/** The same object where it is within its bounds. */
export function boundObservation(observation: Observation): Observation {
  if (observation.type === 'event') {
    const { event } = observation;
    const fitted = within(eventBounds, event) ? event : fitEvent(event);
    return observedWithin(fitted === event ? observation : { ...observation, event: fitted });
  }
  const { object } = observation;
  const fitted = within(objectBounds, object) ? object : fitObject(object);
  return observedWithin(fitted === object ? observation : { ...observation, object: fitted });
}

function observedWithin<T extends Observation>(observation: T): T {
  const { observedAt } = observation;
  const dated = within(time, observedAt);
  const from = observation.type === 'object' ? observation.from : undefined;
  if (dated && (from === undefined || within(word, from))) return observation;
  return {
    ...observation,
    observedAt: time.fit(observedAt, '', ignore),
    ...(from !== undefined && { from: word.fit(from, '', ignore) }),
  };
}

const ignore = () => {};

const within = <T>(bound: Bound<T>, value: T): boolean => bound.measure(value) <= longestObservation;

function fitEvent(event: EventOccurrence['event']): EventOccurrence['event'] {
  const told = new Set(event.truncated);
  const fitted = eventBounds.fit(event, '', (path) => told.add(path));
  // Annotations are all that can make it too long as a whole.
  if (!within(eventBounds, fitted)) {
    delete fitted.annotations;
    told.add('annotations');
  }
  return withTruncated(fitted, told);
}

function fitObject(object: SnapshotObject): SnapshotObject {
  const told = new Set(object.truncated);
  const fitted = objectBounds.fit(object, '', (path) => told.add(path));
  if (!within(objectBounds, fitted)) dropLists(fitted, (path) => told.add(path));
  return withTruncated(fitted, told);
}

/** The longest first. `object` is nobody else's. */
function dropLists(object: SnapshotObject, tell: (path: string) => void): void {
  const { status } = object;
  const droppable = [
    ...lists.map((key) => ({ path: key, value: object[key], drop: () => delete object[key] })),
    ...statusLists.map((key) => ({
      path: `status.${key}`,
      value: status?.[key],
      drop: () => delete status?.[key],
    })),
  ].map(({ value, ...rest }) => ({ ...rest, size: value === undefined ? 0 : JSON.stringify(value).length }));
  for (const { path, drop } of droppable.sort((a, b) => b.size - a.size)) {
    if (within(objectBounds, object)) return;
    drop();
    tell(path);
  }
}

function withTruncated<T extends { truncated?: string[] | undefined }>(value: T, told: Set<string>): T {
  return told.size === 0 ? value : { ...value, truncated: truncated.fit([...told].sort(), '', ignore) };
}

/** Of a record's header. */
export const boundCluster = (cluster: Cluster): Cluster =>
  within(clusterBounds, cluster) ? cluster : clusterBounds.fit(cluster, '', ignore);

/**
 * Attributes of a cluster are with each span on its way, and in each resource at the backend. Fewer: environment, region, provider,
 * account and team have no room. More: they weigh more than what the span tells.
 */
export const mostClusterAttributes = 8;
/** Characters of a name, of a value. */
export const longestClusterAttribute = { name: 63, value: 128 };

const clusterBounds = fields<Cluster>({
  uid,
  name: objectName,
  attributes: entries(
    mostClusterAttributes,
    longestClusterAttribute.name,
    text(longestClusterAttribute.value),
  ),
});

function cutText(value: string, most: number): string {
  // More characters than bytes cannot stay.
  const bytes = Buffer.from(value.slice(0, most + 1));
  if (bytes.length <= most) return value;
  let end = most;
  // Not in the middle of a character.
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
