/** The correlator's remarks as log lines and figures. */
import type { TellingTable } from '../../shared/telemetry.ts';
import type { Remark } from './ports.ts';
import { clusterOf } from './store.ts';

/** Of one line: more would not be read. */
const mostTraceIds = 20;

const place = (activity: string) => ({ cluster: clusterOf(activity), activity });

export const correlatorTellings: TellingTable<Remark> = {
  ingested: ({ clusters, records, observations, duplicates, activities }) => ({
    level: 'info',
    message: 'ingested',
    fields: { clusters, records, observations, duplicates, activities },
    metrics: { Received: observations, Duplicated: duplicates },
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
  settled: ({ activity, members, sent, late, unresolved, open, traceIds, age }) => ({
    level: 'info',
    message: 'settled',
    fields: {
      ...place(activity),
      members,
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
  moved: ({ activity, into, items }) => ({
    level: 'debug',
    message: 'an activity turned out to be a part of another one',
    fields: { ...place(activity), into, items },
  }),
  large: ({ activity, bytes }) => ({
    level: 'warn',
    message: 'an activity is large: its settle may run out of memory or time',
    fields: { ...place(activity), bytes },
  }),
  'too-many-members': ({ activity, left }) => ({
    level: 'warn',
    message: 'too many activities meet here; some settle without the others',
    fields: { ...place(activity), left },
  }),
  'settle-failed': ({ activity, error }) => ({
    level: 'error',
    message: 'settling failed; its timer comes again',
    fields: place(activity),
    error,
    metrics: { Failed: 1 },
  }),
};
