/** Change records of what was sent, and of what stands still. Off where there is no bus. */
import { type ChangeRecord, recordOfStall } from '../../shared/change-record.ts';
import type { Activity } from './activity.ts';
import type { AssembledSpan } from './causality/assemble.ts';
import type { BusRecord } from './ports.ts';
import type { SettleContext } from './settle-context.ts';

/** What the bus does not take waits in a queue, so that neither spans nor timers wait for it. */
export async function tellRecords(
  { ports, recordOutcomes }: Pick<SettleContext, 'ports' | 'recordOutcomes'>,
  records: readonly ChangeRecord[],
): Promise<void> {
  const { records: bus } = ports;
  const wanted = records.filter(({ outcome }) => recordOutcomes?.has(outcome) ?? true);
  if (bus === undefined || wanted.length === 0) return;
  const later = await putRecords({ ports }, wanted);
  if (later.length > 0) await bus.postpone(later);
}

/** Those that are to be put again. */
export async function putRecords(
  { ports }: Pick<SettleContext, 'ports'>,
  records: readonly BusRecord[],
): Promise<readonly BusRecord[]> {
  if (ports.records === undefined) return [];
  const { later, refused } = await ports.records.put(records);
  if (refused.length > 0) {
    const reason = 'a change record that the bus refuses';
    await ports.setAside.keep({ reason, payload: JSON.stringify({ records: refused }), source: 'records' });
    ports.log({ kind: 'set-aside', source: 'records', reason });
  }
  return later;
}

export interface Standstill {
  /** To be told now. */
  stalled: ChangeRecord[];
  /** When the next one is, if nothing moves until then, in milliseconds since 1970; undefined for none. */
  nextAt: number | undefined;
}

/** Of the open changes of an activity. */
export function findStalled(
  { ports, thresholds, traceUrl, recordOutcomes }: SettleContext,
  { told }: Pick<Activity, 'told'>,
  own: readonly AssembledSpan[],
): Standstill {
  const found: Standstill = { stalled: [], nextAt: undefined };
  if (ports.records === undefined || recordOutcomes?.has('stalled') === false) return found;
  const now = Number(ports.assemblyClock() / 1_000_000n);
  for (const { span, standsStillSince } of own) {
    if (standsStillSince === undefined) continue;
    const record = recordOfStall(span, { traceUrl, since: standsStillSince });
    if (told.has(record.id)) continue;
    const at = Number(standsStillSince / 1_000_000n) + thresholds.stall * 1000;
    if (at <= now) found.stalled.push(record);
    else found.nextAt = Math.min(found.nextAt ?? at, at);
  }
  return found;
}
