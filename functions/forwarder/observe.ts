/**
 * Kubernetes' JSON to observations: both Event APIs in one form, objects cut to the fields of `snapshot-fields.ts`.
 */
import * as v from 'valibot';
import {
  type EventOccurrence,
  type FieldManager,
  type ObjectSnapshot,
  ObjectSnapshotSchema,
  type Observation,
  type Parsed,
  parseObservation,
} from '../../shared/observation.ts';
import {
  isShippedAnnotation,
  isShippedCondition,
  isShippedLabel,
  neverShipped,
  restartMark,
  shippedContainerState,
  shippedStatus,
} from '../../shared/snapshot-fields.ts';

import { digest, remembered } from './digest.ts';
import { isRecord, type Json } from './kubernetes/api-server.ts';
import { readOrigin } from './read-origin.ts';
import type { SpecReader } from './read-spec.ts';
import { readWords } from './read-words.ts';

/** Of a core/v1 or events.k8s.io/v1 Event: both forms of one Event give the same occurrence. */
export function observeEvent(raw: unknown, observedAt: string): Parsed<EventOccurrence> {
  return withinTheStack(() => readEvent(raw, observedAt));
}

/** Custom resources, and what recordings hold, may be nested without end. */
function withinTheStack<T>(read: () => Parsed<T>): Parsed<T> {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, reason: 'is nested too deeply' };
    throw error;
  }
}

function readEvent(raw: unknown, observedAt: string): Parsed<EventOccurrence> {
  const event = record(raw);
  if (event === undefined) return { ok: false, reason: 'is no object' };
  const metadata = record(event.metadata) ?? {};
  const name = text(metadata.name) ?? '';
  const series = record(event.series);
  const source = record(event.source) ?? record(event.deprecatedSource) ?? {};
  return parsed({
    type: 'event',
    observedAt,
    event: withoutGaps({
      uid: text(metadata.uid) ?? stripped(event, metadata, name),
      name,
      namespace: text(metadata.namespace),
      resourceVersion: text(metadata.resourceVersion),
      count: count(event.count) ?? count(event.deprecatedCount) ?? count(series?.count) ?? 1,
      reason: event.reason ?? '',
      message: event.message ?? event.note ?? '',
      type: event.type ?? 'Normal',
      action: text(event.action),
      subject: reference(event.involvedObject ?? event.regarding),
      related: record(event.related) && reference(event.related),
      reporter: withoutGaps({
        component:
          text(event.reportingComponent) ?? text(event.reportingController) ?? text(source.component),
        instance: text(source.host) ?? text(event.reportingInstance),
      }),
      firstTimestamp: time(event.firstTimestamp) ?? time(event.deprecatedFirstTimestamp),
      lastTimestamp: time(event.lastTimestamp) ?? time(event.deprecatedLastTimestamp),
      eventTime: time(event.eventTime),
      lastObservedTime: time(series?.lastObservedTime),
      annotations: chosen(metadata.annotations, isShippedAnnotation),
    }),
  });
}

/**
 * What stands in for the UID of an Event that was stripped of it: its namespace and name are as good; of one without a name
 * its content.
 */
const stripped = (event: Json, { namespace }: Json, name: unknown): string =>
  name === '' ? digest(event) : `${namespace ?? ''}/${name}`;

/** Of any object. A Secret or a ConfigMap is refused: nothing of it leaves the cluster. */
export function observeObject(
  raw: unknown,
  observedAt: string,
  deleted: boolean,
  specs: SpecReader,
): Parsed<ObjectSnapshot> {
  return withinTheStack(() => readObject(raw, observedAt, deleted, specs));
}

function readObject(
  raw: unknown,
  observedAt: string,
  deleted: boolean,
  specs: SpecReader,
): Parsed<ObjectSnapshot> {
  const object = record(raw);
  if (object === undefined) return { ok: false, reason: 'is no object' };
  if (neverShipped.has(String(object.kind)))
    return { ok: false, reason: `kind ${object.kind} is never shipped` };
  const metadata = record(object.metadata) ?? {};
  const spec = record(object.spec) ?? {};
  const trust = isThirdParty(object.apiVersion) ? whatFits : asIs;
  const owner = ownerOf(metadata.ownerReferences);
  const read = specs.read(object, owner !== undefined);
  return parsed({
    type: 'object',
    observedAt,
    deleted,
    object: withoutGaps({
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace: text(metadata.namespace),
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: text(metadata.resourceVersion),
      generation: whole(metadata.generation),
      creationTimestamp: text(metadata.creationTimestamp),
      deletionTimestamp: text(metadata.deletionTimestamp),
      deletionGracePeriodSeconds: whole(metadata.deletionGracePeriodSeconds),
      owner,
      annotations: chosen(metadata.annotations, isShippedAnnotation),
      labels: chosen(metadata.labels, isShippedLabel),
      managers: managersOf(metadata.managedFields),
      specDigest: read.digest,
      spec: read.description,
      unschedulable: spec.unschedulable === true ? true : undefined,
      ...readOrigin(object),
      ...trust(objectFields, {
        replicas: whole(spec.replicas),
        restartedAt: restartedAt(spec),
        nodeName: text(spec.nodeName),
        claims: claimsOf(spec),
        scaleTargetRef: scaleTarget(spec.scaleTargetRef),
        completions: whole(spec.completions),
        suspended: spec.suspend === true || spec.paused === true ? true : undefined,
        updateStrategy: text(record(spec.updateStrategy)?.type),
        partition: whole(record(record(spec.updateStrategy)?.rollingUpdate)?.partition),
      }),
      status: statusOf(object.status, String(object.kind), trust),
    }),
  });
}

const objectFields = ObjectSnapshotSchema.entries.object.entries;
const statusFields = objectFields.status.wrapped.entries;
const conditionFields = statusFields.conditions.wrapped.item.entries;

type Trust = (schemas: Readonly<Record<string, v.GenericSchema>>, fields: Json) => Json;

/**
 * The API server checks the types of its own kinds: there, a wrong one is a broken input. A custom resource may use
 * the same names for something else (KEDA's scaleTargetRef has no kind, a `phase` may be a number); that is as good as
 * absent. Groups of custom resources have a dot, those of the kinds that causality knows have none.
 */
const isThirdParty = (apiVersion: unknown): boolean =>
  typeof apiVersion === 'string' && /^[^/]*\.[^/]*\//.test(apiVersion);

const asIs: Trust = (_, fields) => fields;

const whatFits: Trust = (schemas, fields) =>
  Object.fromEntries(Object.entries(fields).filter(([key, value]) => v.is(schemas[key]!, value)));

/** Where Kubernetes has what we call otherwise, for the reader of a reason. */
const kubernetesNames: readonly (readonly [ours: RegExp, theirs: string])[] = [
  [/^event\.subject\b/, 'involvedObject'],
  [/^event\.lastObservedTime\b/, 'series.lastObservedTime'],
  [/^event\.reporter\b/, 'source'],
  [/^event\.(?=(?:uid|name|namespace|resourceVersion|annotations)\b)/, 'metadata.'],
  [/^object\.owner\b/, 'metadata.ownerReferences'],
  [/^object\.managers\b/, 'metadata.managedFields'],
  [/^object\.claims\b/, 'spec.volumes'],
  [/^object\.(?=(?:replicas|restartedAt|nodeName|scaleTargetRef|completions)\b)/, 'spec.'],
  [/^object\.(?=status\.|apiVersion\b|kind\b)/, ''],
  [/^object\./, 'metadata.'],
  [/^event\./, ''],
];

function parsed<T extends Observation>(observation: unknown): Parsed<T> {
  const result = parseObservation(observation);
  if (result.ok) return result as Parsed<T>;
  const [ours, theirs] = kubernetesNames.find(([pattern]) => pattern.test(result.reason)) ?? [];
  return ours === undefined ? result : { ok: false, reason: result.reason.replace(ours, theirs!) };
}

const record = (value: unknown): Json | undefined => (isRecord(value) ? value : undefined);

const list = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((entry): entry is Json => record(entry) !== undefined) : [];

/** Kubernetes writes null or nothing for what is absent; what has another type stays, for the schema to name. */
const text = (value: unknown): unknown => (value === null || value === '' ? undefined : value);
/** Some controllers write a time that is none. */
const time = (value: unknown): unknown =>
  typeof value === 'string' && isBeyondReach(value) ? undefined : text(value);
/** Go's zero time, and years that no span can hold: the API server takes both, and neither says when. */
const isBeyondReach = (value: string): boolean =>
  value.startsWith('0001-01-01T00:00:00') || /^(?:226[3-9]|22[7-9]\d|2[3-9]\d\d|[3-9]\d{3})-/.test(value);
const whole = (value: unknown): unknown => (value === null ? undefined : value);
/** The API server takes any integer: what is below one says nothing. */
const count = (value: unknown): unknown =>
  value === null || (typeof value === 'number' && value < 1) ? undefined : value;

function withoutGaps(value: Json): Json {
  const kept: Json = {};
  for (const key in value) if (value[key] !== undefined) kept[key] = value[key];
  return kept;
}

function reference(raw: unknown): Json {
  const { apiVersion, kind, namespace, name, uid, fieldPath, resourceVersion } = record(raw) ?? {};
  return withoutGaps({
    apiVersion: text(apiVersion),
    kind: kind ?? '',
    namespace: text(namespace),
    name: name ?? '',
    uid: text(uid),
    fieldPath: text(fieldPath),
    resourceVersion: text(resourceVersion),
  });
}

function chosen(raw: unknown, isShipped: (key: string) => boolean): Json | undefined {
  const entries = Object.entries(record(raw) ?? {}).filter(([key]) => isShipped(key));
  return entries.length === 0 ? undefined : Object.fromEntries(entries.sort());
}

export function ownerOf(raw: unknown): ObjectSnapshot['object']['owner'] | undefined {
  const owners = list(raw);
  const owner =
    owners.find(({ controller }) => controller === true) ?? (owners.length === 1 ? owners[0] : undefined);
  if (owner === undefined) return undefined;
  const { apiVersion, kind, name, uid } = owner;
  return withoutGaps({ apiVersion: text(apiVersion), kind, name, uid }) as ObjectSnapshot['object']['owner'];
}

/** Status is written all the time and by controllers: it says nothing of who made a generation. */
function managersOf(raw: unknown): FieldManager[] | undefined {
  const entries = list(raw);
  const controllers = new Set(
    entries.filter(({ subresource }) => subresource === 'status').map(({ manager }) => manager),
  );
  const managers = entries
    .filter(({ subresource }) => subresource !== 'status')
    .map(({ manager, operation, subresource, time, fieldsV1 }) => {
      const fields = record(fieldsV1);
      return withoutGaps({
        manager: manager ?? '',
        operation: operation ?? 'Update',
        subresource: text(subresource),
        time: text(time),
        writesStatus: controllers.has(manager) ? true : undefined,
        ...(fields !== undefined && digestFields(fields)),
      }) as unknown as FieldManager;
    });
  return managers.length === 0 ? undefined : managers;
}

const digestFields = remembered((fields: Json) => ({
  fields: digest(fields),
  fieldCount: countFields(fields),
  ownsSpec: fields['f:spec'] !== undefined,
  ownsRestartedAt: JSON.stringify(fields['f:spec'] ?? '').includes(`f:${restartMark}`),
}));

/** Leaves of a field set (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management). */
function countFields(fields: Json): number {
  let leaves = 0;
  for (const key in fields) {
    const below = record(fields[key]);
    if (below !== undefined) leaves += Math.max(1, countFields(below));
  }
  return leaves;
}

function restartedAt(spec: Json): unknown {
  const annotations = record(record(record(spec.template)?.metadata)?.annotations);
  return text(annotations?.[restartMark]);
}

function claimsOf(spec: Json): unknown[] | undefined {
  const claims = list(spec.volumes).flatMap(({ persistentVolumeClaim }) => {
    const name = record(persistentVolumeClaim)?.claimName;
    return name === undefined ? [] : [name];
  });
  return claims.length === 0 ? undefined : claims.sort();
}

function scaleTarget(raw: unknown): Json | undefined {
  const target = record(raw);
  return target && withoutGaps({ apiVersion: text(target.apiVersion), kind: target.kind, name: target.name });
}

function statusOf(raw: unknown, kind: string, trust: Trust): Json | undefined {
  const status = record(raw);
  if (status === undefined) return undefined;
  const conditions = list(status.conditions)
    .filter(({ type }) => isShippedCondition(kind, String(type)))
    .map(({ type, status: is, reason, message, lastTransitionTime, observedGeneration }) =>
      withoutGaps(
        trust(conditionFields, {
          type,
          status: is,
          reason: text(reason),
          message: text(message),
          lastTransitionTime: text(lastTransitionTime),
          observedGeneration: whole(observedGeneration),
        }),
      ),
    )
    // Only one that was not trusted can have lost its status.
    .filter((condition) => trust === asIs || condition.status !== undefined);
  const shipped = withoutGaps({
    ...trust(statusFields, {
      ...Object.fromEntries(shippedStatus.map((key) => [key, whole(status[key])])),
      // Of a CronJob a list of its Jobs.
      active: Array.isArray(status.active) ? undefined : whole(status.active),
      observedGeneration: generation(status.observedGeneration),
      health: text(record(status.health)?.status),
      operation: text(record(status.operationState)?.phase),
      words: readWords(status),
      revision: revisionOf(status),
    }),
    conditions: conditions.length === 0 ? undefined : conditions,
    // A custom resource may have anything by that name.
    containers: trust === asIs ? containersOf(status) : undefined,
  });
  return Object.keys(shipped).length === 0 ? undefined : shipped;
}

/** Argo Rollouts writes it as text (argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1/types.go); Flux -1 before its first look. */
function generation(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  return typeof value === 'number' && value < 0 ? undefined : whole(value);
}

/** Flux and Argo CD write it in these places (fluxcd/kustomize-controller and helm-controller api/, argo-cd pkg/apis). */
function revisionOf(status: Json): unknown {
  const synced = record(record(status.operationState)?.syncResult) ?? {};
  const compared = record(status.sync) ?? {};
  return (
    text(status.lastAttemptedRevision) ??
    firstRevision(synced) ??
    // What it was compared with may be a commit that nobody has synced yet.
    (compared.status === 'Synced' ? firstRevision(compared) : undefined)
  );
}

/** Of several sources the first one's. */
const firstRevision = ({ revision, revisions }: Json): unknown =>
  text(revision) ?? (Array.isArray(revisions) ? text(revisions[0]) : undefined);

function containersOf(status: Json): Json[] | undefined {
  const init = list(status.initContainerStatuses).map((raw) => ({ ...containerOf(raw), init: true }));
  const containers = [...init, ...list(status.containerStatuses).map(containerOf)];
  return containers.length === 0 ? undefined : containers;
}

function containerOf({ name, restartCount, state, lastState }: Json): Json {
  const [now, before] = [record(state) ?? {}, record(lastState) ?? {}];
  return withoutGaps({
    name,
    restarts: count(restartCount),
    runningSince: time(record(now.running)?.startedAt),
    waiting: text(record(now.waiting)?.reason),
    terminated: termination(now.terminated),
    lastTerminated: termination(before.terminated),
  });
}

function termination(raw: unknown): Json | undefined {
  const ended = record(raw);
  if (ended === undefined) return undefined;
  const shipped: Json = {};
  for (const key of shippedContainerState.terminated) shipped[key] = time(ended[key]);
  return withoutGaps(shipped);
}
