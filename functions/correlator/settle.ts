/**
 * Settle: an activity that has gone quiet is read back, together with those of other roots that may have caused it, and
 * what can no longer change of its spans goes to the queue. Each span is sent by the one activity that its observation
 * is filed under.
 */
import * as v from 'valibot';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { parseWith } from '../../shared/observation.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { type AssembledSpan, assemble, type SentSpan } from './causality/assemble.ts';
import { meetingPoints } from './causality/meeting-points.ts';
import { rootOf } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import type { BatchResponse } from './ingest.ts';
import type { Ports, Waits } from './ports.ts';
import {
  activityPartition,
  clusterOf,
  headKey,
  type Item,
  idOf,
  type KnownObject,
  meetingPartition,
  objectKey,
} from './store.ts';
import {
  type Activity,
  chunkOf,
  cutItem,
  fitCut,
  knownObject,
  meetingItem,
  pointsItem,
  readActivity,
  sentItem,
  sentOf,
} from './store-items.ts';
import { closeTurn, rearmActivity, touchActivity } from './touch-activity.ts';

/** What Lambda hands over, as far as it is read. */
export interface SqsEvent {
  Records: { messageId: string; body: string }[];
}

const TimerSchema = v.object({ activity: v.pipe(v.string(), v.includes('/')), dueAt: v.number() });

/** A drain of hundreds of nodes is no longer one story; what is left out is logged. */
const mostMembers = 200;
/** The longest chain of controllers known is 4 (CronJob, Job, or an operator's resource over a Deployment). */
const mostOwners = 16;

/**
 * The handler of the timers. A message that is no timer is set aside; the answer names those to be brought again.
 */
export function createSettle(ports: Ports, waits: Waits): (event: SqsEvent) => Promise<BatchResponse> {
  const { store, now } = ports;
  const heads = { ...ports, waits };
  const expiresIn = (seconds: number) => Math.ceil(now() / 1000) + seconds;
  const load = async (key: string) => readActivity(key, await store.list(activityPartition(key)));

  /** Its root as far as it is known now, and whether its own object is. */
  async function place(key: string): Promise<{ root: string; known: boolean }> {
    const cluster = clusterOf(key);
    const world = new Map<string, KnownObject>();
    for (let id: string | undefined = idOf(key); id !== undefined && world.size < mostOwners; ) {
      const [item] = await store.read([objectKey(cluster, id)]);
      if (item === undefined) break;
      const known = knownObject(item);
      world.set(id, known);
      id = known.owner !== undefined && !world.has(known.owner) ? known.owner : undefined;
    }
    return {
      root: `${cluster}/${rootOf(idOf(key), (id) => world.get(id))}`,
      known: world.has(idOf(key)),
    };
  }

  async function sendCut(key: string, spans: readonly Span[]): Promise<void> {
    await ports.spansQueue.send(spans);
    await store.put([sentItem(key, spans, expiresIn(waits.retention))]);
  }

  /** Everything into its real root's activity: what was sent first, so that nobody there sends it again. */
  async function move(from: string, into: string): Promise<void> {
    let early = await load(from);
    if (early.cut.length > 0) await sendCut(from, early.cut);
    early = await load(from);
    // Takes the turn of a settle that is reading `from` now: what it would send is sent from `into`.
    const turn = cutItem(from, [], (early.cutRevision ?? 0) + 1, expiresIn(waits.retention));
    if (!(await store.replace(turn, early.cutRevision)))
      throw new Error(`${from} is being settled elsewhere`);
    const rename = (item: Item): Item => ({
      ...item,
      pk: activityPartition(into),
      // One record may have filed into both.
      sk: `${item.sk}@${from}`,
    });
    const expected = early.expected
      .filter((key) => key !== into)
      .map((key) => ({
        pk: activityPartition(into),
        sk: `expect#${key}`,
        expiresAt: expiresIn(waits.retention),
      }));
    await store.put(early.sent.map(rename));
    await store.put([...early.chunks.map(rename), ...expected]);
    await store.remove([
      ...early.chunks,
      ...early.sent,
      ...early.expected.map((key) => ({ pk: activityPartition(from), sk: `expect#${key}` })),
      { pk: activityPartition(from), sk: 'points' },
    ]);
    await store.remove([{ pk: activityPartition(into), sk: `expect#${from}` }]);
    ports.log({ kind: 'moved', activity: from, into, items: early.chunks.length });
  }

  /** Writes itself into its meeting points, then sees to it that whoever was there already looks again. */
  async function register(activity: Activity, observations: readonly Observation[]): Promise<boolean> {
    const points = meetingPoints(observations);
    const before = new Set(activity.points);
    const news = points.filter((point) => !before.has(point));
    if (news.length === 0) return false;
    const { key } = activity;
    await store.put(news.map((point) => meetingItem(key, point, expiresIn(waits.acquaintance))));
    const others = (await whoMeets(clusterOf(key), news)).filter((other) => other !== key);
    await forEachOf(others, (other) => touchActivity(heads, other, waits.meeting, false));
    // Expires first, so that a long activity registers again before its items are gone.
    const all = [...new Set([...before, ...points])].sort();
    await store.put([pointsItem(key, all, expiresIn(waits.acquaintance / 2))]);
    activity.points = all;
    return true;
  }

  async function whoMeets(cluster: string, points: readonly string[]): Promise<string[]> {
    const met = new Set<string>();
    await forEachOf(points, async (point) => {
      for (const { sk } of await store.list(meetingPartition(cluster, point))) met.add(sk);
    });
    return [...met].sort();
  }

  /** It, those it meets, those they meet, and so on. */
  async function gather(activity: Activity): Promise<Activity[]> {
    const members = new Map([[activity.key, activity]]);
    const asked = new Set<string>();
    let left = 0;
    for (let ring = [activity]; ring.length > 0; ) {
      const points = [...new Set(ring.flatMap((member) => member.points))].filter(
        (point) => !asked.has(point),
      );
      for (const point of points) asked.add(point);
      const met = (await whoMeets(clusterOf(activity.key), points)).filter((key) => !members.has(key));
      left += Math.max(0, met.length - (mostMembers - members.size));
      ring = [];
      await forEachOf(met.slice(0, mostMembers - members.size), async (key) => {
        ring.push(await load(key));
      });
      for (const member of ring) members.set(member.key, member);
    }
    if (left > 0) ports.log({ kind: 'too-many-members', activity: activity.key, left });
    return [...members.values()];
  }

  /** Seconds until it may be settled: 0 when it is quiet, or has been loud for too long. */
  async function unrest({ key, head, expected }: Activity): Promise<number> {
    if (head?.waitingSince === undefined) return 0;
    const sinceLast = (now() - head.lastIngestAt) / 1000;
    const sinceFirst = (now() - head.waitingSince) / 1000;
    if (sinceFirst >= waits.patience) return 0;
    if (sinceLast < waits.quiet) return Math.min(waits.quiet - sinceLast, waits.patience - sinceFirst);
    // Its own settle moves them in.
    if (expected.length > 0) return waits.meeting;
    if (sinceFirst < waits.pending) {
      const { root, known } = await place(key);
      if (!known || root !== key) return waits.pending - sinceFirst;
    }
    return 0;
  }

  async function settle(key: string, dueAt: number): Promise<void> {
    const early = dueAt - now();
    if (early > 1000) return ports.timers.arm({ activity: key, dueAt }, early / 1000);
    const { head, headRevision } = readActivity(key, await store.read([headKey(key)]));
    if (head?.dueAt !== dueAt) return;
    let activity = await load(key);
    // The head from before the chunks: what came between counts as come since.
    const asRead = () => Object.assign(activity, { head, headRevision });
    const age = (now() - (head.waitingSince ?? now())) / 1000;
    const rearm = (seconds: number, hold: { heldSince?: number } = {}) => {
      ports.log({ kind: 'postponed', activity: key, seconds, age });
      return rearmActivity(heads, activity, dueAt, seconds, hold);
    };

    const { root, known } = await place(key);
    if (root !== key) {
      if (activity.chunks.length + activity.sent.length + activity.expected.length > 0) {
        await move(key, root);
        await touchActivity(heads, root, waits.quiet, true);
      }
      return closeTurn(heads, asRead(), dueAt, { quietSeconds: waits.quiet, reviewSeconds: undefined });
    }
    if (activity.cut.length > 0) {
      await sendCut(key, activity.cut);
      activity = await load(key);
    }
    for (let turn = 0; activity.expected.length > 0 && turn < mostOwners; turn += 1) {
      for (const expected of activity.expected) await move(expected, key);
      activity = await load(key);
    }
    asRead();
    const own = activity.chunks.map(chunkOf);
    const observations = own.flatMap((chunk) => chunk.observations);

    const isNew = await register(activity, observations);
    const wait = await unrest(activity);
    if (wait > 0) return rearm(wait);
    // What meets others gives those that went quiet with it the time to come there, and not beyond patience: an activity
    // that makes new points all the time settles too.
    const meetsFrom = head.lastIngestAt + (waits.quiet + waits.meeting) * 1000;
    const toCome = activity.points.length > 0 ? (meetsFrom - now()) / 1000 : 0;
    const meeting = isNew ? waits.meeting : Math.min(toCome, waits.meeting);
    if (meeting > 0 && age < waits.patience) return rearm(meeting, { heldSince: head.heldSince ?? now() });
    const members = await gather(activity);
    const heldSince = head.heldSince ?? now();
    if (now() - heldSince < waits.hold * 1000) {
      const unrests = await Promise.all(members.filter((member) => member !== activity).map(unrest));
      const longest = Math.max(0, ...unrests);
      const left = waits.hold - (now() - heldSince) / 1000;
      if (longest > 0) return rearm(Math.min(longest, left), { heldSince });
    }

    const others = members
      .filter((member) => member !== activity)
      .flatMap(({ chunks }) => chunks.map(chunkOf));
    const sent = whatWasSent(members);
    const spans = assemble({
      cluster: clusterIn(own),
      observations: [...own, ...others].flatMap((chunk) => chunk.observations),
      sent,
      now: ports.assemblyClock(),
    });
    const { due, open } = pickSpans(spans, observations, new Set(whatWasSent([activity]).keys()));
    let revision = activity.cutRevision;
    for (let rest = due; rest.length > 0; ) {
      const some = fitCut(rest);
      rest = rest.slice(some.length);
      const next = (revision ?? 0) + 1;
      // Another settle of this activity was faster: read again what it has sent.
      if (!(await store.replace(cutItem(key, some, next, expiresIn(waits.retention)), revision)))
        return rearm(waits.quiet);
      await sendCut(key, some);
      revision = next;
    }
    const closed = new Set(
      [...sent.values()].flatMap((span) => (span.parentSpanId === null ? span.traceId : [])),
    );
    ports.log({
      kind: 'settled',
      activity: key,
      members: members.length,
      sent: due.length,
      late: due.filter(({ traceId }) => closed.has(traceId)).length,
      unresolved: known ? 0 : due.length,
      open,
      traceIds: [...new Set(due.map(({ traceId }) => traceId))],
      age,
    });
    await closeTurn(heads, activity, dueAt, {
      quietSeconds: waits.quiet,
      reviewSeconds: open > 0 ? waits.closing : undefined,
    });
  }

  return async ({ Records }) => {
    const batchItemFailures: BatchResponse['batchItemFailures'] = [];
    for (const { messageId, body } of Records) {
      const timer = parseWith(TimerSchema, parseJson(body));
      try {
        // Twice: until the message is visible again, those it would meet settle without this activity.
        if (timer.ok) {
          const { activity, dueAt } = timer.value;
          await settle(activity, dueAt).catch(() => settle(activity, dueAt));
        } else {
          await ports.setAside.keep({ reason: timer.reason, payload: body, source: messageId });
          ports.log({ kind: 'set-aside', source: messageId, reason: timer.reason });
        }
      } catch (error) {
        ports.log({ kind: 'settle-failed', activity: timer.ok ? timer.value.activity : '', error });
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  };
}

/** A cluster that got its name later has chunks without it: whichever says most, by content and not by order. */
function clusterIn(chunks: readonly { cluster: Cluster }[]): Cluster {
  const clusters = chunks.map(({ cluster }) => cluster);
  clusters.sort(
    (a, b) =>
      JSON.stringify(b).length - JSON.stringify(a).length || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
  );
  return clusters[0] ?? {};
}

/** What is in a cut counts: it is sent before anything else of its activity. */
function whatWasSent(members: readonly Activity[]): Map<string, SentSpan> {
  const sent = new Map<string, SentSpan>();
  for (const { sent: items, cut } of members) {
    for (const span of [...items.flatMap(sentOf), ...cut]) sent.set(span.spanId, span);
  }
  return sent;
}

function pickSpans(
  spans: readonly AssembledSpan[],
  own: readonly Observation[],
  sent: ReadonlySet<string>,
): { due: Span[]; open: number } {
  const ownKeys = new Set(
    own.map((observation) =>
      observation.type === 'event'
        ? `${observation.event.uid}/${observation.event.count}`
        : observation.object.uid,
    ),
  );
  const unsent = spans.filter(({ key, span }) => ownKeys.has(key) && !sent.has(span.spanId));
  const due = unsent.filter(({ final }) => final).map(({ span }) => span);
  return { due: due.sort(compareSpans), open: unsent.length - due.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
