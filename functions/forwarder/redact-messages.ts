/**
 * What free text may not tell: messages of Events and of conditions, what a spec says, and a repository's URL, before anything is
 * cached or shipped.
 */
import { longestMessage } from '../../shared/bounds.ts';
import type { EventOccurrence, ObjectSnapshot } from '../../shared/observation.ts';
import { longestSectionText } from '../../shared/snapshot-fields.ts';

export interface Redaction {
  event(occurrence: EventOccurrence): EventOccurrence;
  snapshot(snapshot: ObjectSnapshot): ObjectSnapshot;
}

const redacted = '[redacted]';
/**
 * Bytes that are searched. A harmless pattern (`\S+@\S+`) takes the square of a text's length; and a message that is as long as it
 * may be (but for three bytes of a character that did not fit) was cut: half of it could be half of what is to be redacted. What is
 * not searched does not leave the cluster.
 */
const longestSearched = longestMessage - 4;

/** @param patterns each with the flag `g` */
export function createRedaction(patterns: readonly RegExp[]): Redaction {
  if (patterns.length === 0) return { event: (occurrence) => occurrence, snapshot: (snapshot) => snapshot };
  const clean = (text: string) =>
    Buffer.byteLength(text) > longestSearched
      ? redacted
      : patterns.reduce((rest, pattern) => rest.replace(pattern, redacted), text);
  const cleanValues = <T>(values: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(values).map(([path, value]) => [
        path,
        typeof value === 'string' ? clean(value).slice(0, longestSectionText) : value,
      ]),
    );
  return {
    event: (occurrence) => ({
      ...occurrence,
      event: { ...occurrence.event, message: clean(occurrence.event.message) },
    }),
    snapshot(snapshot) {
      const { status, spec, repository } = snapshot.object;
      const conditions = status?.conditions?.map((condition) =>
        condition.message === undefined ? condition : { ...condition, message: clean(condition.message) },
      );
      return {
        ...snapshot,
        object: {
          ...snapshot.object,
          ...(spec !== undefined && { spec: { ...spec, values: cleanValues(spec.values) } }),
          ...(repository !== undefined && { repository: cleanValues(repository) }),
          ...(conditions !== undefined && { status: { ...status, conditions } }),
        },
      };
    },
  };
}
