/** What differs between what two specs say. Pure lists of paths: how that reads is told in `describe-change.ts`. */
import type { SpecDescription } from '../../../shared/observation.ts';
import type { Change } from './change.ts';

type Value = string | number | boolean;

export interface Difference {
  path: string;
  type: 'changed' | 'added' | 'removed';
  /** Where it ships as a value. */
  before: Value | undefined;
  after: Value | undefined;
}

/** What a change changed; none where nobody knows what its object's spec said before it, or after. */
export function differencesOf({ object: { history }, before, version }: Change): Difference[] {
  const [old, now] = [before, version].map((one) => one && history?.specs.get(one.object.generation));
  return old === undefined || now === undefined ? [] : compareSpecs(old, now);
}

/** In order of their paths. Digests under two keys cannot be compared: of these two only the values are. */
function compareSpecs(before: SpecDescription, after: SpecDescription): Difference[] {
  const isOneKey = before.key === after.key;
  const [old, now] = [before, after].map(({ values, digests }) => ({ ...values, ...(isOneKey && digests) }));
  const differences: Difference[] = [];
  for (const path of [...new Set([...Object.keys(old!), ...Object.keys(now!)])].sort()) {
    if (old![path] === now![path]) continue;
    // What is a digest under another key is no absence.
    if (!isOneKey && (path in before.digests || path in after.digests)) continue;
    const type = old![path] === undefined ? 'added' : now![path] === undefined ? 'removed' : 'changed';
    differences.push({ path, type, before: before.values[path], after: after.values[path] });
  }
  return differences;
}
