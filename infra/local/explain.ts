/**
 * The offline command: recordings in, the traces as they stand out. No services: the same core that the correlator
 * runs, over everything at once.
 */
import { type AssembledSpan, assemble } from '../../functions/correlator/causality/assemble.ts';
import { withUserRows } from '../../functions/correlator/causality/rules/built-in-rules.ts';
import type { EventRow } from '../../functions/correlator/causality/rules/event-row.ts';
import { parseTime } from '../../functions/correlator/causality/time.ts';
import { assembleReleases } from '../../functions/correlator/releases/assemble-releases.ts';
import { readReleaseChange } from '../../functions/correlator/releases/release-change.ts';
import { defaultThresholds, releaseTimes } from '../../functions/correlator/thresholds.ts';
import type { Observation } from '../../shared/observation.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { type ClusterObservations, roundsOf } from './read-clusters.ts';
import { clusterOf } from './read-recording.ts';

/** Past every bound: no trace stays open. */
export const endOfTime = 2n ** 64n;

export interface ExplainSettings {
  /** Nanoseconds since 1970: shows the traces as they stood then. */
  at?: bigint | undefined;
  userRows?: readonly EventRow[];
}

/** In the order of trace, start and span id. */
export function explainClusters(
  clusters: readonly ClusterObservations[],
  { at, userRows = [] }: ExplainSettings = {},
): Span[] {
  const rules = withUserRows(userRows);
  const now = at ?? endOfTime;
  // Two that tell of one span each have it: then the cluster decides which comes first.
  const nameOf = ({ cluster }: ClusterObservations) =>
    JSON.stringify([cluster.uid ?? '', cluster.name ?? '']);
  const inOrder = clusters.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const rounds = roundsOf(inOrder).map((round) =>
    round.flatMap(({ cluster, observations }) => {
      const seen =
        at === undefined
          ? observations
          : observations.filter(({ observedAt }) => parseTime(observedAt) <= at);
      return assemble({ cluster, observations: seen, rules, now });
    }),
  );
  return rounds
    .flatMap((assembled) => [...assembled.map(({ span }) => span), ...releasesOf(assembled, now)])
    .sort(compareSpans);
}

/** Of changes that have ended; those that have not at that time keep their release waiting. */
function releasesOf(assembled: readonly AssembledSpan[], now: bigint): Span[] {
  const changesThat = (isFinal: boolean) =>
    assembled.flatMap(({ span, final }) => (final === isFinal && readReleaseChange(span)) || []);
  const open = changesThat(false).map((change) => ({ change, heardAt: now }));
  return assembleReleases({ changes: changesThat(true), open, ...releaseTimes(defaultThresholds), now })
    .spans;
}

/** Of one recording, as `explainClusters`. */
export const explain = (observations: readonly Observation[], at?: bigint): Span[] =>
  explainClusters([{ cluster: clusterOf(observations), observations }], { at });
