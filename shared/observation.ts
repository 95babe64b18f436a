/**
 * What a cluster's forwarder tells the correlator: an Event occurrence or an object snapshot, as that cluster saw
 * it. Both Event APIs (core/v1 and events.k8s.io/v1) have one form here, and of an object only what causality needs.
 *
 * Times are RFC 3339 strings exactly as Kubernetes wrote them (whole seconds, microseconds, or the observer's
 * milliseconds): their precision is information.
 */
import * as v from 'valibot';
import { boundObservation } from './bounds.ts';

// One step, not a pipe of two: this is checked for most fields of every observation.
const Text = v.custom<string>((input) => typeof input === 'string' && input !== '');
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
/** What spans can hold: nanoseconds since 1970 in 63 bits, which end in 2262. */
const lastMillisecond = 9_223_372_036_854;
const Timestamp = v.pipe(
  v.string(),
  v.check((text) => {
    const milliseconds = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
    return milliseconds >= 0 && milliseconds < lastMillisecond;
  }, 'is not an RFC 3339 time between 1970 and 2262'),
);
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Fields that were longer than they may be (bounds.ts), as they are named here: names and UIDs are hashed, texts cut. */
const Truncated = v.optional(v.array(Text));

/** The API server takes an Event about an object without a kind or a name: there `''`. */
export const ObjectReferenceSchema = v.object({
  apiVersion: v.optional(Text),
  kind: v.string(),
  namespace: v.optional(Text),
  name: v.string(),
  uid: v.optional(Text),
  fieldPath: v.optional(Text),
  resourceVersion: v.optional(Text),
});

/** One (event UID, count) pair: a repeated Event is patched, and each patch is an occurrence of its own. */
const EventOccurrenceSchema = v.object({
  type: v.literal('event'),
  observedAt: Timestamp,
  event: v.object({
    uid: Text,
    /** `''` where it was stripped of it. */
    name: v.string(),
    namespace: v.optional(Text),
    /** The Event's own version, not its subject's (that one is `subject.resourceVersion`). */
    resourceVersion: v.optional(Text),
    /** `count`, else `series.count`, else 1. */
    count: v.pipe(Count, v.minValue(1)),
    reason: v.string(),
    message: v.string(),
    /** `Normal` or `Warning`. */
    type: v.string(),
    action: v.optional(Text),
    /** `involvedObject` (core/v1) or `regarding` (events.k8s.io/v1). */
    subject: ObjectReferenceSchema,
    related: v.optional(ObjectReferenceSchema),
    /** reportingComponent/reportingController, else source.component; and source.host, else reportingInstance. */
    reporter: v.object({ component: v.optional(Text), instance: v.optional(Text) }),
    firstTimestamp: v.optional(Timestamp),
    lastTimestamp: v.optional(Timestamp),
    eventTime: v.optional(Timestamp),
    /** `series.lastObservedTime`. */
    lastObservedTime: v.optional(Timestamp),
    annotations: v.optional(v.record(v.string(), v.string())),
    truncated: Truncated,
  }),
});

/** A managedFields entry without its field set: enough to tell who wrote a generation. Never one of subresource status. */
const FieldManagerSchema = v.object({
  manager: v.string(),
  /** As in managedFields: `Apply` or `Update`. */
  operation: v.string(),
  subresource: v.optional(Text),
  time: v.optional(Timestamp),
  /** A digest of fieldsV1: equal digests, equal fields. */
  fields: v.optional(Text),
  /** How many fields fieldsV1 names: whoever has fewer than before lost some, and wrote nothing. */
  fieldCount: v.optional(Count),
  /** Whether the same manager writes the object's status, too: it is the object's controller. */
  writesStatus: v.optional(v.boolean()),
  /** Whether fieldsV1 has anything under `f:spec`. */
  ownsSpec: v.optional(v.boolean()),
  /** Whether fieldsV1 names `kubectl.kubernetes.io/restartedAt` in the pod template. */
  ownsRestartedAt: v.optional(v.boolean()),
});

const ConditionSchema = v.object({
  type: Text,
  status: Text,
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  lastTransitionTime: v.optional(Timestamp),
  observedGeneration: v.optional(Count),
});

/** How a container's run ended. */
const TerminationSchema = v.object({
  reason: v.optional(Text),
  exitCode: v.pipe(v.number(), v.integer()),
  startedAt: v.optional(Timestamp),
  finishedAt: v.optional(Timestamp),
});

/** Of a container's status what it does now and how its last run ended: never messages, images or ids. */
const ContainerSchema = v.object({
  name: Text,
  /** An init container; a sidecar is one as well. */
  init: v.optional(v.boolean()),
  restarts: v.optional(Count),
  /** Since when it runs. */
  runningSince: v.optional(Timestamp),
  /** Why it does not run yet. */
  waiting: v.optional(Text),
  terminated: v.optional(TerminationSchema),
  lastTerminated: v.optional(TerminationSchema),
});

/**
 * What an object's spec says, by path (`spec.template.spec.containers[app].image`): values of what `snapshot-fields.ts` names, of
 * every other section a digest. It comes with the first snapshot of each generation only.
 */
const SpecSchema = v.object({
  /** Digests under another key say nothing about these. */
  key: Text,
  /** A digest of the whole pod template: equal digests, the same pods. */
  template: v.optional(Text),
  values: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  digests: v.record(v.string(), v.string()),
});

export const ObjectSnapshotSchema = v.object({
  type: v.literal('object'),
  observedAt: Timestamp,
  /** The watch said DELETED: this is the object's last state. */
  deleted: v.boolean(),
  /**
   * Absent: a watch told what this version says when it was written. `list`: that was there already when somebody looked,
   * nobody knows since when. `look-up`: as `list`, and versions between two look-ups were seen by nobody.
   */
  from: v.optional(v.string()),
  object: v.object({
    apiVersion: Text,
    kind: Text,
    namespace: v.optional(Text),
    name: Text,
    uid: Text,
    resourceVersion: v.optional(Text),
    generation: v.optional(Count),
    creationTimestamp: v.optional(Timestamp),
    deletionTimestamp: v.optional(Timestamp),
    /** Seconds. */
    deletionGracePeriodSeconds: v.optional(Count),
    /** The ownerReference with `controller: true`, else the only one. */
    owner: v.optional(v.object({ apiVersion: v.optional(Text), kind: Text, name: Text, uid: Text })),
    annotations: v.optional(v.record(v.string(), v.string())),
    labels: v.optional(v.record(v.string(), v.string())),
    managers: v.optional(v.array(FieldManagerSchema)),
    replicas: v.optional(Count),
    /** A digest of spec without replicas: equal digests, nothing but the number of replicas changed. */
    specDigest: v.optional(Text),
    spec: v.optional(SpecSchema),
    /** The value of `kubectl.kubernetes.io/restartedAt` in the pod template. */
    restartedAt: v.optional(Text),
    nodeName: v.optional(Text),
    unschedulable: v.optional(v.boolean()),
    /** Names of the PersistentVolumeClaims that a pod mounts. */
    claims: v.optional(v.array(Text)),
    scaleTargetRef: v.optional(v.object({ apiVersion: v.optional(Text), kind: Text, name: Text })),
    completions: v.optional(Count),
    /** Of what a GitOps tool syncs from: its URL without credentials, and the branch or tag that it asks for. */
    repository: v.optional(v.object({ url: v.optional(Text), ref: v.optional(Text) })),
    /** Of what is synced: the object that says from where (a GitRepository). */
    source: v.optional(v.object({ kind: Text, namespace: v.optional(Text), name: Text })),
    /** `suspend` of a Job, CronJob or Kustomization, `paused` of a Deployment or Rollout. */
    suspended: v.optional(v.boolean()),
    /** `updateStrategy.type` of a StatefulSet or DaemonSet. */
    updateStrategy: v.optional(Text),
    /** `updateStrategy.rollingUpdate.partition` of a StatefulSet: only ordinals from it on are updated. */
    partition: v.optional(Count),
    truncated: Truncated,
    status: v.optional(
      v.object({
        phase: v.optional(v.string()),
        observedGeneration: v.optional(Count),
        replicas: v.optional(Count),
        updatedReplicas: v.optional(Count),
        readyReplicas: v.optional(Count),
        availableReplicas: v.optional(Count),
        desiredNumberScheduled: v.optional(Count),
        updatedNumberScheduled: v.optional(Count),
        numberAvailable: v.optional(Count),
        succeeded: v.optional(Count),
        failed: v.optional(Count),
        currentRevision: v.optional(v.string()),
        updateRevision: v.optional(v.string()),
        active: v.optional(Count),
        /** Of an Argo CD Application: `health.status`, and the phase of its last operation. */
        health: v.optional(Text),
        operation: v.optional(Text),
        /** Words that stand elsewhere than in `phase`, by path. */
        words: v.optional(v.record(v.string(), v.string())),
        /** What a Kustomization, HelmRelease or Application synced or tries to sync, as its tool writes it. */
        revision: v.optional(Text),
        conditions: v.optional(v.array(ConditionSchema)),
        containers: v.optional(v.array(ContainerSchema)),
      }),
    ),
  }),
});

const ObservationSchema = v.variant('type', [EventOccurrenceSchema, ObjectSnapshotSchema]);

export type ObjectReference = v.InferOutput<typeof ObjectReferenceSchema>;
export type EventOccurrence = v.InferOutput<typeof EventOccurrenceSchema>;
export type ContainerStatus = v.InferOutput<typeof ContainerSchema>;
export type SpecDescription = v.InferOutput<typeof SpecSchema>;
export type FieldManager = v.InferOutput<typeof FieldManagerSchema>;
export type ObjectSnapshot = v.InferOutput<typeof ObjectSnapshotSchema>;
export type Observation = v.InferOutput<typeof ObservationSchema>;

/**
 * The cluster that observations come from; `uid` is that of its namespace kube-system. `attributes` are what its team says of all
 * of it: they are in the resource of each of its spans.
 */
export const ClusterSchema = v.object({
  uid: v.optional(Text),
  name: v.optional(Text),
  attributes: v.optional(v.record(v.string(), v.string())),
});
export type Cluster = v.InferOutput<typeof ClusterSchema>;

/**
 * Of what is written on the wire: the version that is written here, and the one after, of which as much is read as is understood, so
 * that an upgrade may be undone while something is under way.
 */
export const FormatVersion = v.picklist([1, 2]);

export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string };

/** `reason` names the field and what is wrong with it, never its value (a message may hold anything). */
export function parseWith<T extends v.GenericSchema>(schema: T, input: unknown): Parsed<v.InferOutput<T>> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return { ok: true, value: result.output };
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? '';
  const what = issue.type === 'check' ? issue.message : mismatch(issue);
  return { ok: false, reason: path === '' ? what : `${path} ${what}` };
}

function mismatch({ expected, type, input }: v.BaseIssue<unknown>): string {
  // For these two valibot's `expected` is no type (`"uid"`, `!0`).
  if (input === undefined) return 'is missing';
  if (input === '' || type === 'non_empty') return 'is empty';
  if (type === 'strict_object' && expected === 'never') return 'is not known';
  return `should be ${type === 'custom' ? 'string' : (expected ?? type)}, is ${kindOf(input)}`;
}

function kindOf(input: unknown): string {
  if (input === null) return 'null';
  return Array.isArray(input) ? 'an array' : typeof input;
}

/**
 * Within its bounds: whoever makes or reads an observation does it here. The value is the input itself where that is within
 * them, not valibot's copy of it: V8 makes hash tables of copies with so many fields, and each later step would pay for it. A
 * field that nobody here knows does no harm, unless it is large (`isLarge`: more than a few kilobytes): then only what is known
 * is kept.
 */
export function parseObservation(input: unknown, isLarge = false): Parsed<Observation> {
  const parsed = parseWith(ObservationSchema, input);
  if (!parsed.ok) return parsed;
  return { ok: true, value: boundObservation(isLarge ? parsed.value : (input as Observation)) };
}
