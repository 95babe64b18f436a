/** Of which cluster a part is, as far as it says so itself, or all that does in the same directory. */
import type { Cluster } from '../../../shared/observation.ts';
import { type Part, systemOf } from './describe-part.ts';

/** A cluster known by its UID, else by a name that a collector gave it; one object for each cluster. */
export interface Label {
  uid?: string;
  name?: string;
}

export interface Labels {
  ofPart: ReadonlyMap<Part, Label>;
  /** Of each directory, those in it and below. */
  inFolder: ReadonlyMap<string, ReadonlySet<Label>>;
}

export function labelParts(parts: readonly Part[]): Labels {
  const ofPart = labelByContent(parts);
  const inFolder = new Map<string, Set<Label>>();
  for (const [{ folders }, label] of ofPart) {
    for (const folder of folders) inFolder.set(folder, (inFolder.get(folder) ?? new Set()).add(label));
  }
  for (const part of parts) {
    if (ofPart.has(part)) continue;
    const around = part.folders.findLast((folder) => inFolder.has(folder));
    const label = around === undefined ? undefined : only(inFolder.get(around)!);
    if (label !== undefined) ofPart.set(part, label);
  }
  return { ofPart, inFolder };
}

function labelByContent(parts: readonly Part[]): Map<Part, Label> {
  const clusters = parts.map((part): Cluster => ({ ...part.told, uid: part.told.uid ?? systemOf(part) }));
  const uidsOfName = new Map<string, Set<string>>();
  for (const { uid, name } of clusters) {
    if (uid === undefined || name === undefined) continue;
    uidsOfName.set(name, (uidsOfName.get(name) ?? new Set()).add(uid));
  }
  const labels = new Map<string, Label>();
  const labelOf = (key: string, label: Label): Label => {
    const known = labels.get(key) ?? label;
    labels.set(key, known);
    return known;
  };
  const ofPart = new Map<Part, Label>();
  for (const [i, part] of parts.entries()) {
    const { name, uid = only(uidsOfName.get(name ?? '')) } = clusters[i]!;
    if (uid !== undefined) ofPart.set(part, labelOf(`uid ${uid}`, { uid }));
    else if (name !== undefined) ofPart.set(part, labelOf(`name ${name}`, { name }));
  }
  return ofPart;
}

const only = <T>(values: ReadonlySet<T> = new Set()): T | undefined =>
  values.size === 1 ? values.values().next().value : undefined;
