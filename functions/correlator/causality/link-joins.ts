/** What links between traces need of other roots. */
import { type JoinKey, nameOf } from './join-key.ts';
import type { Told } from './placement/placement-rule.ts';
import { syncJoins } from './sync-links.ts';

interface LinkJoins {
  joins(told: Told): Iterable<JoinKey>;
}

/** A pod that waits for its volumes: it links to what its claims are going through. */
export const waitsForVolumes = (reason: string, message: string): boolean =>
  reason === 'FailedMount' ||
  reason === 'FailedAttachVolume' ||
  (reason === 'FailedScheduling' && /PersistentVolumeClaim|persistentvolumeclaim/.test(message));

const claims: LinkJoins = {
  *joins(told) {
    if (told.type === 'object') {
      // A claim names the pod that it waits for.
      if (told.object.kind === 'Pod' && told.object.claims !== undefined) yield nameOf(told.object);
      return;
    }
    const { subject, reason, message } = told.event;
    if (subject.kind !== 'Pod' || subject.uid === undefined || !waitsForVolumes(reason, message)) return;
    yield { by: 'claims-of', pod: subject.uid, namespace: subject.namespace };
  },
};

export const linkJoins: readonly LinkJoins[] = [claims, syncJoins];
