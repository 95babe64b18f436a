/** A recording as if another cluster had made it: objects and Events with UIDs of their own, some time later, maybe by another revision. */
import type { ClusterObservations } from '../infra/local/read-clusters.ts';
import type { Observation } from '../shared/observation.ts';
import { movedBy } from './move-times.ts';

export interface OtherCluster {
  name: string;
  /** After the recording. */
  minutes?: number;
  /** The annotation `rootspan.dev/release` of Deployments, from their second generation on. */
  release?: string;
}

export function inCluster(
  observations: readonly Observation[],
  { name, minutes = 0, release }: OtherCluster,
): ClusterObservations {
  return {
    cluster: { uid: `${name}-uid`, name },
    observations: observations.map((observation) =>
      annotated(renamed(movedBy(observation, minutes * 60_000), name) as Observation, release),
    ),
  };
}

function renamed(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'uid' && typeof each === 'string' ? `${each}-${name}` : renamed(each, name),
    ]),
  );
}

function annotated(observation: Observation, release: string | undefined): Observation {
  if (observation.type !== 'object' || release === undefined) return observation;
  const { object } = observation;
  if (object.kind !== 'Deployment' || (object.generation ?? 1) < 2) return observation;
  const annotations = { ...object.annotations, 'rootspan.dev/release': release };
  return { ...observation, object: { ...object, annotations } };
}
