/** What becomes of each remark: figures and log lines, a row a kind. */
import { explainTrouble, lasts } from './explain-trouble.ts';
import type { LeaseRemark } from './kubernetes/hold-lease.ts';
import { describeError, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { ForwarderRemark } from './remarks.ts';

export type Remark = ForwarderRemark | LeaseRemark;

interface Tools {
  log: Log;
  metrics: Metrics;
  /** Whether the same was said a moment ago: the figures have them all. */
  quiet: Quiet;
}

type Quiet = ReturnType<typeof createQuiet>;

type Rows = { readonly [T in Remark['type']]: (remark: Extract<Remark, { type: T }>, tools: Tools) => void };

/** @param elapsed milliseconds, never backwards */
export function createTeller(log: Log, metrics: Metrics, elapsed: () => number): (remark: Remark) => void {
  const tools: Tools = { log, metrics, quiet: createQuiet(elapsed) };
  return (remark) => (rows[remark.type] as (remark: Remark, tools: Tools) => void)(remark, tools);
}

const aMinute = 60_000;
const tenMinutes = 600_000;

/** Whether the same was said within `milliseconds`. */
function createQuiet(elapsed: () => number): (what: string, milliseconds?: number) => boolean {
  const said = new Map<string, number>();
  return (what, milliseconds = aMinute) => {
    const now = elapsed();
    const at = said.get(what);
    if (at !== undefined && now - at < milliseconds) return true;
    said.delete(what);
    said.set(what, now);
    if (said.size > 1_000) said.delete(said.keys().next().value!);
    return false;
  };
}

const rows: Rows = {
  'event-received': (_, { metrics }) => metrics.received.inc(),
  'event-filtered': ({ by }, { metrics }) => metrics.filtered.inc({ reason: by }),
  'event-dropped': ({ reason, about: { kind, namespace, name }, why }, { log, metrics, quiet }) => {
    metrics.dropped.inc({ reason });
    // Of what the stream refused all names are told: it is rare, and nothing else tells what is missing.
    const about = `${kind}/${namespace}/${name}`;
    if (quiet(reason === 'rate' || reason === 'refused' ? about : `Event ${reason} ${why}`)) return;
    log('warn', 'an Event was dropped', { reason, kind, namespace, name, why });
  },
  'snapshot-dropped': ({ reason, about: { kind, namespace, name }, why }, { log, metrics, quiet }) => {
    metrics.snapshotsDropped.inc({ reason });
    if (quiet(`${kind}/${namespace}/${name} ${why}`)) return;
    log('warn', 'a snapshot was dropped', { reason, kind, namespace, name, why });
  },
  shipped: ({ events, snapshots, records, bytes, lags }, { log, metrics }) => {
    metrics.shipped.inc({ type: 'event' }, events);
    metrics.shipped.inc({ type: 'object' }, snapshots);
    metrics.records.inc(records);
    metrics.bytes.inc(bytes);
    for (const lag of lags) metrics.lag.observe(lag / 1000);
    log('debug', 'shipped', { events, snapshots, records, bytes });
  },
  'put-again': ({ reason, wait, error }, { log, metrics, quiet }) => {
    metrics.retries.inc({ reason });
    if (quiet(`put ${reason}`, lasts(reason) ? tenMinutes : aMinute)) return;
    log('warn', 'the stream took not everything; it is put again', {
      reason,
      waitSeconds: wait / 1000,
      ...(error !== undefined && { error: describeError(error) }),
      mend: explainTrouble(reason),
    });
  },
  'looked-up': ({ result }, { metrics }) => metrics.lookups.inc({ result }),
  'look-ups-refused': ({ resource }, { log }) =>
    log('warn', 'may not be read; see the ClusterRole', { resource }),
  'not-shipping': ({ seconds, reason }, { log }) =>
    log('error', 'nothing could be shipped', { seconds, reason, mend: explainTrouble(reason) }),
  'shipping-again': ({ seconds }, { log }) => log('info', 'shipping again', { afterSeconds: seconds }),
  'own-event-failed': ({ error }, { log }) =>
    log('warn', 'the Event about this forwarder could not be written', { error: describeError(error) }),
  listed: ({ resource, objects }, { log }) => log('info', 'listed', { resource, objects }),
  restarted: ({ resource, reason, wait, error }, { log, metrics }) => {
    metrics.restarts.inc({ resource, reason });
    log(reason === 'closed' ? 'debug' : 'info', 'a watch goes on anew', {
      resource,
      reason,
      waitSeconds: wait / 1000,
      ...(error !== undefined && { error: describeError(error) }),
    });
  },
  refused: ({ resource, status, wait, error }, { log, metrics }) => {
    metrics.restarts.inc({ resource, reason: 'refused' });
    const fields = { resource, status, waitSeconds: wait / 1000, error: describeError(error) };
    log('warn', `may not be watched; see the ${status === 401 ? 'credentials' : 'ClusterRole'}`, fields);
  },
  'unknown-resource': ({ resource, wait }, { log, metrics }) => {
    metrics.restarts.inc({ resource, reason: 'unknown-resource' });
    log('warn', 'the cluster has no such resource', { resource, waitSeconds: wait / 1000 });
  },
  'kind-unavailable': ({ resource, why }, { log }) =>
    why === 'forbidden'
      ? log('warn', 'is installed and may not be watched; see the values watch and extraKinds', {
          resource,
        })
      : log('info', 'is not installed any more', { resource }),
  'kinds-unknown': ({ error }, { log, quiet }) => {
    if (quiet('kinds-unknown', tenMinutes)) return;
    log('warn', 'what is installed cannot be asked', { error: describeError(error) });
  },
  'unreadable-line': ({ resource, after }, { log, metrics }) => {
    metrics.unreadableLines.inc({ resource });
    log('warn', 'what a watch tells cannot be read, time and again; it is passed by with a new list', {
      resource,
      after,
    });
  },
  following: ({ holder }, { log }) => log('info', 'another replica leads', { holder }),
  leading: ({ checkpoint }, { log }) =>
    log('info', 'this replica leads', {
      from: checkpoint === undefined ? 'the beginning' : 'the checkpoint',
    }),
  unsure: (_, { log }) =>
    log('warn', 'the Lease could not be renewed in time: nothing is shipped until it is'),
  sure: (_, { log }) => log('info', 'the Lease is renewed: shipping goes on'),
  lost: (_, { log }) => log('warn', 'this replica leads no more: another one does, or the Lease was deleted'),
  released: (_, { log }) => log('info', 'the Lease is given up'),
  'unreadable-checkpoint': (_, { log }) =>
    log('warn', 'the checkpoint of the Lease cannot be read: from the beginning'),
  trouble: ({ error }, { log }) =>
    log('warn', 'the Lease cannot be had or renewed', { error: describeError(error) }),
};
