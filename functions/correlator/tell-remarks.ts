/** The correlator's remarks as log lines and figures. */
import type { Metric, TellingTable } from '../../shared/telemetry.ts';
import type { Remark } from './ports.ts';
import { clusterOf } from './store.ts';

/** Of one line: more would not be read. */
const mostTraceIds = 20;

const place = (activity: string) => ({ cluster: clusterOf(activity), activity });

/** Four figures, each of which costs as much as any other: what did not get there, and what nobody knows more of. */
function metricOfOutcome(outcome: string): Metric {
  if (outcome === 'complete') return 'ChangesComplete';
  if (outcome === 'failed' || outcome === 'stalled') return 'ChangesFailed';
  return outcome === 'superseded' ? 'ChangesSuperseded' : 'ChangesUnfinished';
}

export const correlatorTellings: TellingTable<Remark> = {
  ingested: ({ clusters, records, observations, duplicates, activities }) => ({
    level: 'info',
    message: 'ingested',
    fields: { clusters, records, observations, duplicates, activities },
    metrics: { Received: observations, Duplicated: duplicates },
  }),
  heard: ({ cluster, observations }) => ({
    level: 'debug',
    message: 'an expected cluster has sent',
    fields: { cluster, observations },
    ofCluster: { cluster, metrics: { Received: observations } },
  }),
  held: ({ source, cluster, records, observations }) => ({
    level: 'warn',
    message: 'a cluster sends more than its share; what is beyond it is held in the bucket',
    fields: { source, cluster, records, observations },
    // By records, since what nobody could read has no observations.
    metrics: { Held: records },
  }),
  'set-aside': ({ source, reason }) => ({
    level: 'error',
    message: 'poison is set aside',
    fields: { source, reason },
    metrics: { SetAside: 1 },
  }),
  'not-set-aside': ({ source, error }) => ({
    level: 'error',
    message: 'poison could not be set aside; its record comes again',
    fields: { source },
    error,
    metrics: { Failed: 1 },
  }),
  settled: ({ activity, related, sent, late, unresolved, open, traceIds, age }) => ({
    level: 'info',
    message: 'settled',
    fields: {
      ...place(activity),
      related,
      sent,
      late,
      unresolved,
      open,
      traceIds: traceIds.slice(0, mostTraceIds),
      age,
    },
    metrics: { Settled: sent, Late: late, Unresolved: unresolved, OldestPendingAge: age },
  }),
  postponed: ({ activity, seconds, age }) => ({
    level: 'debug',
    message: 'not quiet, or not alone: settled later',
    fields: { ...place(activity), seconds, age },
    metrics: { Pending: 1, OldestPendingAge: age },
  }),
  'changes-ended': ({ changes }) => ({
    level: 'debug',
    message: 'changes ended',
    fields: { changes: changes.length },
    figures: changes.flatMap(({ cluster, outcome, duration }) => [
      { name: metricOfOutcome(outcome), value: 1, cluster },
      { name: 'ChangeDuration', value: duration, cluster },
    ]),
  }),
  merged: ({ activity, into, chunks }) => ({
    level: 'debug',
    message: 'an activity turned out to be a part of another one',
    fields: { ...place(activity), into, chunks },
  }),
  large: ({ activity, bytes }) => ({
    level: 'warn',
    message: 'an activity is large: its settle may run out of memory or time',
    fields: { ...place(activity), bytes },
  }),
  'too-many-related': ({ activity, left }) => ({
    level: 'warn',
    message: 'too many activities are related here; some settle without the others',
    fields: { ...place(activity), left },
  }),
  unreadable: ({ activity, error }) => ({
    level: 'error',
    message: 'an activity cannot be read: it waits for a function that can',
    fields: place(activity),
    error,
    metrics: { Failed: 1 },
  }),
  'settle-failed': ({ activity, error, age = 0 }) => ({
    level: 'error',
    message: 'settling failed; its timer comes again',
    fields: { ...place(activity), age },
    error,
    metrics: { Failed: 1, OldestPendingAge: age },
  }),
};
