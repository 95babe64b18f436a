/**
 * Change records onto an EventBridge bus: PutEvents, signed with the function's role. One call of one service: its client would make
 * settle's code, and each cold start, larger by a tenth.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { createSigning, type Signing } from '../../shared/sign-request.ts';
import type { BusRecord, RecordsBus } from './ports.ts';

export interface BusSettings extends Omit<Signing, 'service'> {
  /** Name or ARN. */
  bus: string;
  sqs: SQSClient;
  /** Where what is not taken waits: the timers' queue, whose consumer puts records, too. */
  queueUrl: string;
}

/** Entries of a request. */
const mostEntries = 10;
/** Characters of a request, of 256 kB: a record is mostly ASCII. Larger: a request that is refused as a whole. */
const mostCharacters = 80_000;
/** Milliseconds. Smaller: a slow answer counts as none. Larger: a bus that is away holds up what else an invocation has to do. */
const timeout = 5_000;
/**
 * Milliseconds in which a bus that gave no answer is not asked again. Shorter: while it is away, invocations wait for it that have spans
 * to send; at three rollouts a second all twenty would after a quarter of an hour. Longer: once it is back, records wait for nothing.
 */
const silence = 60_000;
/** Seconds: throttling is over soon, an outage is not, and then the message comes back each 12 minutes. */
const pause = 60;

const AnswerSchema = v.object({ Entries: v.array(v.object({ ErrorCode: v.optional(v.string()) })) });
const FaultSchema = v.object({ __type: v.string() });

/**
 * What says that an entry, or a request of them, is none that EventBridge takes, however often it is put. All else may pass: throttling, a
 * right that somebody has yet to give, a clock that is wrong, credentials that are being replaced.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html and its page of common errors
 */
const refusals: ReadonlySet<string> = new Set([
  'InvalidArgument',
  'MalformedDetail',
  'RequestEntityTooLargeException',
  'ValidationError',
  'ValidationException',
]);

/** Some have the name of their service before them. */
const isRefusal = (code: string): boolean => refusals.has(code.slice(code.lastIndexOf('#') + 1));

/** By which rules of the users' own tell them apart: a new name is a rule that goes silent. */
export const detailTypes = {
  ended: 'Change ended',
  stalled: 'Change stalled',
  'release-ended': 'Release ended',
} as const;

export function createRecordsBus({ bus, sqs, queueUrl, url, ...identity }: BusSettings): RecordsBus {
  const sign = createSigning({ ...identity, url, service: 'events' });
  let askAgainAt = 0;
  const putSome = async (records: readonly BusRecord[]): Promise<(string | undefined)[]> => {
    const body = JSON.stringify({ Entries: records.map((record) => toEntry(record, bus)) });
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' };
    const signed = await sign(headers, new TextEncoder().encode(body));
    const { host: _, ...sent } = signed;
    const answer = await fetch(url, {
      method: 'POST',
      headers: sent,
      body,
      signal: AbortSignal.timeout(timeout),
    });
    const text = await answer.json().catch(() => undefined);
    if (answer.ok) return v.parse(AnswerSchema, text).Entries.map(({ ErrorCode }) => ErrorCode);
    const fault = v.safeParse(FaultSchema, text);
    return records.map(() => (fault.success ? fault.output.__type : `HTTP ${answer.status}`));
  };
  // Whatever is wrong with the bus: it is tried again, and nothing else fails with it.
  const putUnlessAway: typeof putSome = async (records) => {
    const unanswered = records.map(() => 'unanswered');
    if (identity.now() < askAgainAt) return unanswered;
    try {
      return await putSome(records);
    } catch {
      askAgainAt = identity.now() + silence;
      return unanswered;
    }
  };
  return {
    async put(records) {
      const left: Awaited<ReturnType<RecordsBus['put']>> = { later: [], refused: [] };
      for (const some of inRequests(records)) {
        const codes = await putUnlessAway(some);
        for (const [i, record] of some.entries()) {
          const code = codes[i];
          if (code !== undefined) (isRefusal(code) ? left.refused : left.later).push(record);
        }
      }
      return left;
    },
    async postpone(records) {
      for (const some of inRequests(records))
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: JSON.stringify({ records: some }),
            DelaySeconds: pause,
          }),
        );
    },
  };
}

const toEntry = (record: BusRecord, bus: string) => ({
  EventBusName: bus,
  Source: 'rootspan',
  DetailType: detailTypes[record.kind],
  Time: Date.parse(record.time) / 1000,
  Detail: JSON.stringify(record),
});

function inRequests(records: readonly BusRecord[]): BusRecord[][] {
  const requests: BusRecord[][] = [];
  let characters = 0;
  for (const record of records) {
    const { length } = JSON.stringify(record);
    const last = requests.at(-1);
    if (last === undefined || last.length === mostEntries || characters + length > mostCharacters) {
      requests.push([record]);
      characters = length;
    } else {
      last.push(record);
      characters += length;
    }
  }
  return requests;
}
