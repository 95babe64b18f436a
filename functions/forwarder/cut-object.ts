/**
 * An object for a recording: Kubernetes' own form, cut to what observing it reads (`observe.ts`). Of what ships as a digest only
 * that stays: variables and arguments may hold anything.
 */

import {
  isShippedAnnotation,
  isShippedCondition,
  isShippedLabel,
  restartMark,
  shippedContainerState,
  shippedStatus,
} from '../../shared/snapshot-fields.ts';
import { type Json, json } from './kubernetes/api-server.ts';
import { ownerOf } from './observe.ts';
import { putOrigin } from './read-origin.ts';
import { hasTemplate, type SpecReader } from './read-spec.ts';
import { cutWords } from './read-words.ts';
import { restoreSpec } from './restore-spec.ts';

const metadataFields = [
  'namespace',
  'name',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
] as const;
const specFields = [
  'replicas',
  'nodeName',
  'unschedulable',
  'scaleTargetRef',
  'completions',
  'suspend',
  'paused',
] as const;
const managerFields = ['manager', 'operation', 'apiVersion', 'subresource', 'time', 'fieldsV1'] as const;

/** Of a list's item, too: where it does not say what it is, `is` does. */
export function cutObject(raw: Json, is: { apiVersion: string; kind: string }, specs: SpecReader): Json {
  const { apiVersion = is.apiVersion, kind = is.kind } = raw;
  const metadata = json(raw.metadata);
  const spec = json(raw.spec);
  const status = json(raw.status);
  const claims = entries(spec.volumes).filter(({ persistentVolumeClaim }) => persistentVolumeClaim);
  const conditions = entries(status.conditions).filter(({ type }) =>
    isShippedCondition(String(kind), String(type)),
  );
  const read = specs.read({ ...raw, kind }, ownerOf(metadata.ownerReferences) !== undefined);
  const restored = read.description === undefined ? {} : restoreSpec(read.description);
  // Of what changes with its owner a digest is enough.
  const isDigested = read.digest !== undefined && !hasTemplate(json(restored.spec));
  return {
    apiVersion,
    kind,
    metadata: {
      ...pick(metadata, metadataFields),
      ...some('labels', filterKeys(json(metadata.labels), isShippedLabel)),
      ...some('annotations', {
        ...filterKeys(json(metadata.annotations), isShippedAnnotation),
        ...json(json(restored.metadata).annotations),
      }),
      ...some(
        'managedFields',
        entries(metadata.managedFields).map((entry) =>
          // Of those who write the status it is enough to know who they are.
          pick(entry, entry.subresource === 'status' ? managerFields.slice(0, -1) : managerFields),
        ),
      ),
    },
    ...some('spec', {
      ...some('updateStrategy', cutStrategy(json(spec.updateStrategy))),
      ...(isDigested && cutTemplate(spec, specs)),
      ...putOrigin({ ...raw, apiVersion, kind }, json(restored.spec)),
      ...pick(spec, specFields),
      ...some(
        'volumes',
        claims.map(({ name, persistentVolumeClaim }) => ({
          name,
          persistentVolumeClaim: pick(json(persistentVolumeClaim), ['claimName']),
        })),
      ),
    }),
    ...some('status', {
      ...cutWords(status),
      ...pick(status, [...shippedStatus, 'lastAttemptedRevision']),
      ...some('health', pick(json(status.health), ['status'])),
      ...some('operationState', cutOperation(json(status.operationState))),
      ...some('sync', pick(json(status.sync), ['status', 'revision', 'revisions'])),
      ...some('conditions', conditions),
      ...some('initContainerStatuses', entries(status.initContainerStatuses).map(cutContainer)),
      ...some('containerStatuses', entries(status.containerStatuses).map(cutContainer)),
    }),
  };
}

const cutOperation = ({ phase, syncResult }: Json): Json => ({
  ...(phase !== undefined && { phase }),
  ...some('syncResult', pick(json(syncResult), ['revision', 'revisions'])),
});

const cutStrategy = ({ type, rollingUpdate }: Json): Json => ({
  ...(type !== undefined && { type }),
  ...some('rollingUpdate', pick(json(rollingUpdate), ['partition'])),
});

const cutContainer = ({ name, restartCount, state, lastState }: Json): Json => ({
  name,
  ...(restartCount !== undefined && { restartCount }),
  ...some('state', cutState(json(state))),
  ...some('lastState', cutState(json(lastState))),
});

const cutState = (state: Json): Json =>
  Object.fromEntries(
    Object.entries(shippedContainerState)
      .filter(([how]) => state[how] !== undefined)
      .map(([how, fields]) => [how, pick(json(state[how]), fields)]),
  );

/** An Event as it is, but for what no rule reads: who wrote which of its fields, and annotations of others. */
export function cutEvent(raw: Json): Json {
  const { managedFields: _, annotations, labels: __, ...metadata } = json(raw.metadata);
  return {
    ...raw,
    metadata: { ...metadata, ...some('annotations', filterKeys(json(annotations), isShippedAnnotation)) },
  };
}

/** The digest is of everything that a user may change but the number of replicas. */
function cutTemplate({ replicas: _, ...spec }: Json, specs: SpecReader): Json {
  const restartedAt = json(json(json(spec.template).metadata).annotations)[restartMark];
  return {
    template: {
      ...(restartedAt !== undefined && { metadata: { annotations: { [restartMark]: restartedAt } } }),
      digest: specs.digest(spec),
    },
  };
}

const entries = (value: unknown): Json[] => (Array.isArray(value) ? value.map(json) : []);
const pick = (from: Json, keys: readonly string[]): Json =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
const filterKeys = (from: Json, isKept: (key: string) => boolean): Json =>
  Object.fromEntries(Object.entries(from).filter(([key]) => isKept(key)));
const some = (key: string, value: Json | readonly Json[]): Json =>
  Object.keys(value).length === 0 ? {} : { [key]: value };
