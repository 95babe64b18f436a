/** The correlator's remarks as log lines and figures. */
import type { TellingTable } from '../../shared/telemetry.ts';
import type { Remark } from './ports.ts';
import { clusterOf } from './store.ts';

const place = (activity: string) => ({ cluster: clusterOf(activity), activity });

export const correlatorTellings: TellingTable<Remark> = {
  ingested: ({ records, observations, activities }) => ({
    level: 'info',
    message: 'ingested',
    fields: { records, observations, activities },
    metrics: { Received: observations },
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
  }),
  settled: ({ activity, members, sent, open }) => ({
    level: 'info',
    message: 'settled',
    fields: { ...place(activity), members, sent, open },
    metrics: { Settled: sent },
  }),
  moved: ({ activity, into, items }) => ({
    level: 'debug',
    message: 'an activity turned out to be a part of another one',
    fields: { ...place(activity), into, items },
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
  }),
};
