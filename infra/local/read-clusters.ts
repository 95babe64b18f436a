/** Files of several clusters, each cluster's observations by themselves. */
import type { Cluster, Observation } from '../../shared/observation.ts';
import { newPart, notePart, type Part } from './input/describe-part.ts';
import { groupClusters } from './input/group-clusters.ts';
import type { Source } from './input/list-sources.ts';
import { type FoundIn, readSources } from './read-recording.ts';

export interface ClusterObservations {
  cluster: Cluster;
  observations: readonly Observation[];
}

/** A cluster of which nothing is in memory but what it is known by. */
export interface ClusterSource {
  cluster: Cluster;
  /** Reads the files of this cluster again. */
  read(): AsyncGenerator<Observation>;
}

type Say = (line: string) => void;

/** @param onRead observations so far */
export async function readClusters(
  sources: readonly Source[],
  say: Say,
  onRead: (count: number) => void = () => {},
): Promise<ClusterObservations[]> {
  let count = 0;
  const observationsOf = new Map<string, Observation[]>();
  const parts = await noteParts(sources, say, (key, observation) => {
    onRead(++count);
    const all = observationsOf.get(key);
    if (all === undefined) observationsOf.set(key, [observation]);
    else all.push(observation);
  });
  return groupClusters(parts).map(({ cluster, parts: of }) => ({
    cluster,
    observations: of.flatMap(({ key }) => observationsOf.get(key) ?? []),
  }));
}

/** Reads all sources once: bad input is told before anything is done with the rest. */
export async function findClusters(sources: readonly Source[], say: Say): Promise<ClusterSource[]> {
  const parts = await noteParts(sources, say, () => {});
  return groupClusters(parts).map(({ cluster, parts: of }) => ({
    cluster,
    read: () => readParts(sources, of),
  }));
}

/**
 * The pipeline knows clusters by their UID, and takes all that it has none of for one: each of those has a round of its own, and
 * nothing of it is joined with other clusters. Never none, so that an empty recording is seen to go through as well.
 */
export function roundsOf<C extends { cluster: Cluster }>(clusters: readonly C[]): C[][] {
  const known = clusters.filter(({ cluster }) => cluster.uid !== undefined);
  const unknown = clusters.filter(({ cluster }) => cluster.uid === undefined);
  const rounds = [...(known.length > 0 ? [known] : []), ...unknown.map((cluster) => [cluster])];
  return rounds.length === 0 ? [[]] : rounds;
}

async function noteParts(
  sources: readonly Source[],
  say: Say,
  note: (key: string, observation: Observation) => void,
): Promise<Part[]> {
  const parts = new Map<string, Part>();
  const keyOf = partKeys(sources);
  for await (const found of readSources(sources, say)) {
    const key = keyOf(found);
    const part = parts.get(key) ?? newPart({ key, folders: found.source.folders, told: found.cluster });
    parts.set(key, part);
    notePart(part, found.observation);
    note(key, found.observation);
  }
  return [...parts.values()];
}

async function* readParts(sources: readonly Source[], parts: readonly Part[]): AsyncGenerator<Observation> {
  const keyOf = partKeys(sources);
  const keys = new Set(parts.map(({ key }) => key));
  const wanted = new Set(parts.map(({ key }) => Number.parseInt(key, 10)));
  for await (const found of readSources(sources.filter((_, i) => wanted.has(i)))) {
    if (keys.has(keyOf(found))) yield found.observation;
  }
}

/** `<place among the sources> <what is told of the cluster>`: the same each time that the sources are read. */
function partKeys(sources: readonly Source[]): (found: FoundIn) => string {
  const places = new Map(sources.map((source, i) => [source, i]));
  return ({ source, cluster }) => `${places.get(source)} ${JSON.stringify(cluster ?? {})}`;
}
