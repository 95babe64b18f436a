/** The check of a release: what is over is committed and sent, what is open has its timer. */
import type { Span } from '../../shared/span.ts';
import type { Activity } from './activity.ts';
import { commit } from './commit-activity.ts';
import { spansOfBatches, unsentBatches } from './outbox.ts';
import type { Remark } from './ports.ts';
import { assembleRelease, readRelease } from './read-release.ts';
import type { Due } from './read-timers.ts';
import type { Outcome } from './settle-activity.ts';
import type { SettleContext } from './settle-context.ts';

/** @throws UnreadableBodyError */
export async function checkRelease(context: SettleContext, due: Due): Promise<Outcome> {
  const { ports, thresholds } = context;
  const activity = await readRelease(context, due.activity);
  const resent = spansOfBatches(unsentBatches(activity, due, thresholds));
  const now = ports.assemblyClock();
  const { spans, nextAt } = assembleRelease(context, activity, now);
  const committed = await commit(context, { activity, due, resent }, spans);
  // Somebody else was faster: what was sent has to be read anew.
  if (committed.next !== undefined) return committed;
  const { range, ...outcome } = committed;
  const open = nextAt === undefined ? undefined : Number((nextAt - now) / 1_000_000n) / 1000 + 1;
  return {
    ...outcome,
    next: open,
    acknowledged: range,
    remark: toRemark(activity, spans),
    ...(open !== undefined && { releaseDueAt: ports.now() + open * 1000 }),
  };
}

const toRemark = ({ key, releaseChanges }: Activity, spans: readonly Span[]): Remark => {
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === null);
  const told = new Set(roots.map(({ traceId }) => traceId));
  return {
    kind: 'settled',
    activity: key,
    related: 1,
    sent: spans.length,
    late: spans.filter(({ traceId }) => !told.has(traceId)).length,
    unresolved: 0,
    open: spans.length === 0 ? releaseChanges.length : 0,
    traceIds: [...new Set(spans.map(({ traceId }) => traceId))],
    age: 0,
  };
};
