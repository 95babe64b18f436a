/** Messages of the timers' queue, parsed. A message that is no timer is set aside. */
import * as v from 'valibot';
import { type Parsed, parseWith } from '../../shared/observation.ts';
import type { BusRecord, Ports, Timer } from './ports.ts';
import { dueSoon } from './thresholds.ts';

/** What Lambda hands over, as far as it is read. */
export interface SqsEvent {
  Records: { messageId: string; body: string }[];
}

const Milliseconds = v.number();
const TimerSchema = v.object({
  id: v.string(),
  activities: v.pipe(v.array(v.pipe(v.string(), v.includes('/'))), v.nonEmpty()),
  dueAt: Milliseconds,
  /** The first version does not say it: of its batches each is the business of its chain alone. */
  armedAt: v.optional(Milliseconds),
  since: v.optional(Milliseconds),
  sent: v.optional(v.record(v.string(), v.number())),
  isPutOff: v.optional(v.boolean()),
});

/** One activity of a timer. Times in milliseconds since 1970. */
export interface Due {
  /** Of the timer's chain. */
  chain: string;
  activity: string;
  dueAt: number;
  /** Undefined: a version before sent it. */
  armedAt: number | undefined;
  since: number | undefined;
  /** The last batch of the outbox of which its chain knows that it, and those before, are sent; 0: none. */
  sent: number;
  isPutOff: boolean;
  messageId: string;
  /** In its message. */
  isAlone: boolean;
}

/** Change records that the bus did not take, in the same queue. */
const RecordsSchema = v.object({
  records: v.pipe(
    v.array(
      v.looseObject({
        id: v.string(),
        kind: v.picklist(['ended', 'release-ended', 'stalled']),
        time: v.string(),
      }),
    ),
    v.nonEmpty(),
  ),
});

export interface Postponed {
  messageId: string;
  records: BusRecord[];
}

/** Activities whose time has come, records that are to be put again, and the messages that have to come again. */
export async function readTimers(
  { Records }: SqsEvent,
  ports: Pick<Ports, 'timers' | 'setAside' | 'log' | 'now'>,
): Promise<{ due: Due[]; records: Postponed[]; failures: Set<string> }> {
  const due: Due[] = [];
  const records: Postponed[] = [];
  const failures = new Set<string>();
  for (const { messageId, body } of Records) {
    const postponed = parseBody(RecordsSchema, body);
    if (postponed.ok) {
      records.push({ messageId, records: postponed.value.records });
      continue;
    }
    try {
      due.push(...(await readTimer(messageId, body, ports)));
    } catch (error) {
      ports.log({ kind: 'settle-failed', activity: '', error });
      failures.add(messageId);
    }
  }
  return { due, records, failures };
}

async function readTimer(
  messageId: string,
  body: string,
  { timers, setAside, log, now }: Pick<Ports, 'timers' | 'setAside' | 'log' | 'now'>,
): Promise<Due[]> {
  const parsed = parseBody(TimerSchema, body);
  if (!parsed.ok) {
    await setAside.keep({ reason: parsed.reason, payload: body, source: messageId });
    log({ kind: 'set-aside', source: messageId, reason: parsed.reason });
    return [];
  }
  const { id, activities, dueAt, since, sent, armedAt, isPutOff = false } = parsed.value;
  const milliseconds = dueAt - now();
  if (milliseconds > dueSoon) {
    await timers.arm(parsed.value, milliseconds / 1000);
    return [];
  }
  const isAlone = activities.length === 1;
  return activities.map((activity) => ({
    chain: id,
    activity,
    dueAt,
    armedAt,
    since,
    sent: sent?.[activity] ?? 0,
    isPutOff,
    messageId,
    isAlone,
  }));
}

/** The timer that brings these activities of one timer, of which there is one at least, as it brought them. */
export function timerOf(some: readonly Due[]): Timer {
  const { chain: id, dueAt, armedAt, since, isPutOff } = some[0]!;
  const sent = some.filter((one) => one.sent > 0).map((one) => [one.activity, one.sent]);
  return {
    id,
    activities: some.map(({ activity }) => activity),
    dueAt,
    ...(armedAt !== undefined && { armedAt }),
    ...(since !== undefined && { since }),
    ...(sent.length > 0 && { sent: Object.fromEntries(sent) }),
    ...(isPutOff && { isPutOff }),
  };
}

function parseBody<T extends v.GenericSchema>(schema: T, body: string): Parsed<v.InferOutput<T>> {
  try {
    return parseWith(schema, JSON.parse(body));
  } catch {
    return { ok: false, reason: 'is not JSON' };
  }
}
