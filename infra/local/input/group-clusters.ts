/**
 * Which files are of one cluster. The UID of namespace kube-system is the cluster's; a collector's lines say it, or a
 * name at least; what lies in one directory is of one cluster; and what tells of the same object is, for no two objects
 * share a UID. Nothing of it depends on the order of the files.
 */
import type { Cluster } from '../../../shared/observation.ts';
import type { Part } from './describe-part.ts';
import { joinByKeys } from './join-by-keys.ts';
import { type Label, type Labels, labelParts } from './label-parts.ts';

export interface ClusterParts {
  cluster: Cluster;
  parts: readonly Part[];
}

interface Group {
  label: Label;
  parts: readonly Part[];
}

export function groupClusters(parts: readonly Part[]): ClusterParts[] {
  const labels = labelParts(parts);
  const labelled: Group[] = [];
  for (const [label, of] of Map.groupBy(labels.ofPart.keys(), (part) => labels.ofPart.get(part)!))
    labelled.push({ label, parts: of });
  const [known, named] = [
    labelled.filter(({ label }) => label.uid !== undefined),
    labelled.filter(({ label }) => label.uid === undefined),
  ];
  const unknown = joinByKeys(
    parts.filter((part) => !labels.ofPart.has(part)),
    (part) => joinKeys(part, labels),
  );
  const groups = joinNearest(
    joinNearest(known, named),
    unknown.map((of) => ({ label: {}, parts: of })),
  );
  const places = new Map(parts.map((part, i) => [part, i]));
  const inOrder = (of: readonly Part[]) => of.toSorted((a, b) => places.get(a)! - places.get(b)!);
  return groups.map(({ label: { uid }, parts: of }) => ({ cluster: clusterOf(uid, of), parts: inOrder(of) }));
}

/** Shared by parts without a label that are of one cluster: UIDs, and the outermost directory where nothing has a label. */
function joinKeys({ folders, uids }: Part, { inFolder }: Labels): Iterable<string> {
  const folder = folders.find((each) => !inFolder.has(each));
  return folder === undefined ? uids : [...uids, `folder ${folder}`];
}

/** Each of the others goes with the known cluster with which it shares the most objects, or stays by itself. */
function joinNearest(known: readonly Group[], others: readonly Group[]): Group[] {
  if (known.length === 0 || others.length === 0) return [...known, ...others];
  const tellers = new Map<string, Set<Group>>();
  for (const group of known) {
    for (const uid of uidsOf(group)) tellers.set(uid, (tellers.get(uid) ?? new Set()).add(group));
  }
  const joined = new Map(known.map((group) => [group, [...group.parts]]));
  const alone: Group[] = [];
  for (const other of others) {
    const shared = new Map<Group, number>();
    for (const uid of new Set(uidsOf(other))) {
      for (const group of tellers.get(uid) ?? []) shared.set(group, (shared.get(group) ?? 0) + 1);
    }
    const [nearest] = [...shared].sort(([a, m], [b, n]) => n - m || compareLabels(a.label, b.label));
    if (nearest === undefined) alone.push(other);
    else for (const part of other.parts) joined.get(nearest[0])!.push(part);
  }
  return [...[...joined].map(([{ label }, parts]) => ({ label, parts })), ...alone];
}

const uidsOf = ({ parts }: Group): string[] => parts.flatMap(({ uids }) => [...uids]);

const compareLabels = (a: Label, b: Label): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Of several names that collectors have for one cluster, always the same. */
function clusterOf(uid: string | undefined, parts: readonly Part[]): Cluster {
  const [name] = parts.flatMap(({ told }) => told.name ?? []).sort();
  return { ...(uid !== undefined && { uid }), ...(name !== undefined && { name }) };
}
