/** Recordings through the simulated pipeline, and what to think of what came out. */
import { withUserRows } from '../../../functions/correlator/causality/rules/built-in-rules.ts';
import type { EventRow } from '../../../functions/correlator/causality/rules/event-row.ts';
import type { Span } from '../../../shared/span.ts';
import { explainClusters } from '../explain.ts';
import { type ClusterObservations, roundsOf } from '../read-clusters.ts';
import type { Delivery } from './backend.ts';
import { type Run, type RunSettings, runPipeline } from './run-pipeline.ts';
import { type Verdict, verify } from './verify.ts';

export interface SimulateSettings extends Omit<RunSettings, 'rules' | 'releasesByImages'> {
  userRows?: readonly EventRow[];
}

export interface Simulated {
  /** In the order of their coming. */
  deliveries: readonly Delivery[];
  /** What `explain` says of the same. */
  explained: readonly Span[];
  runs: readonly Run[];
  verdict: Verdict;
}

export async function simulate(
  clusters: readonly ClusterObservations[],
  { userRows = [], ...settings }: SimulateSettings,
): Promise<Simulated> {
  const rules = withUserRows(userRows);
  const runs: Run[] = [];
  for (const round of roundsOf(clusters))
    runs.push(await runPipeline(round, { ...settings, rules, releasesByImages: round.length > 1 }));
  const deliveries = runs.flatMap((run) => run.deliveries).sort((a, b) => a.deliveredAt - b.deliveredAt);
  const explained = explainClusters(clusters, { userRows });
  return { deliveries, explained, runs, verdict: verify(deliveries, explained) };
}

/** Whether nothing was lost, nothing contradicted, and all came to an end. */
export const isSound = ({ runs, verdict }: Simulated): boolean =>
  verdict.lost.length + verdict.contradicted.length + verdict.orphans.length === 0 &&
  runs.every(({ isOver }) => isOver);
