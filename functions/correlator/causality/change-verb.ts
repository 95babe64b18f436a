/** The verb of a change: what somebody did, as far as the versions before and after it tell. */
import type { FieldManager } from '../../../shared/observation.ts';
import { type Restored, revision, revisionOf } from './find-rollback.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

export const firstVerb = (isRun: boolean): string => (isRun ? 'Run' : 'Create');

export function verbOf(
  object: KubernetesObject,
  { object: now }: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
  restores: Restored | undefined,
): string {
  if (restores !== undefined) return 'Rollback';
  const before = previous?.object;
  if (before !== undefined && writer !== undefined && restarts(now, before, writer)) return 'Restart';
  if (writer?.subresource === 'scale') return 'Scale';
  if (before !== undefined && before.replicas !== now.replicas && keepsTemplate(object, now, before))
    return 'Scale';
  return writer?.operation ?? 'Update';
}

/** By the spec itself; where that is not known, by the revision that the Deployment controller counts templates with. */
function keepsTemplate(
  { history }: KubernetesObject,
  now: Version['object'],
  before: Version['object'],
): boolean {
  if (before.specDigest !== undefined && now.specDigest !== undefined && haveOneKey(history, before, now))
    return before.specDigest === now.specDigest;
  const counted = history && revisionOf(history, now.generation);
  return counted !== undefined && counted === before.annotations?.[revision];
}

/** Digests of a forwarder whose key was lost, or which had none yet, cannot be compared. */
const haveOneKey = (
  history: ObjectHistory | undefined,
  before: Version['object'],
  now: Version['object'],
): boolean => history?.specs.get(before.generation)?.key === history?.specs.get(now.generation)?.key;

/** `kubectl rollout restart` writes one annotation of the pod template. */
function restarts(now: Version['object'], before: Version['object'], writer: FieldManager): boolean {
  if (now.restartedAt !== undefined) return now.restartedAt !== before.restartedAt;
  return writer.ownsRestartedAt === true && now.replicas === before.replicas;
}
