/** When an object was as it is, where nobody says when it was seen: at least as late as any time that it holds. */
import { fieldsOf, isRecord, type Json, recordsOf, textOf } from './json-value.ts';

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** One that can be: Go's zero time, which some tools write for none, is in the year 1. */
export const isTime = (value: unknown): value is string =>
  typeof value === 'string' && rfc3339.test(value) && Date.parse(value) >= 0;

const newestTime = (times: readonly unknown[]): string | undefined =>
  times
    .filter(isTime)
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);

/** Of what was written and of what is so; not what is to come (a certificate's end, the next run of a schedule). */
export function newestTimeOf(object: Json): string | undefined {
  const metadata = fieldsOf(object.metadata);
  const status = fieldsOf(object.status);
  return newestTime([
    metadata.creationTimestamp,
    metadata.deletionTimestamp,
    ...recordsOf(metadata.managedFields).map(({ time }) => time),
    status.startTime,
    status.completionTime,
    ...recordsOf(status.conditions).flatMap(conditionTimes),
    ...containerStatuses.flatMap((field) => recordsOf(status[field]).flatMap(containerTimes)),
  ]);
}

const containerStatuses = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'];

const conditionTimes = ({ lastTransitionTime, lastUpdateTime, lastHeartbeatTime }: Json): unknown[] => [
  lastTransitionTime,
  lastUpdateTime,
  lastHeartbeatTime,
];

const containerTimes = ({ state }: Json): unknown[] =>
  Object.values(fieldsOf(state))
    .filter(isRecord)
    .flatMap(({ startedAt, finishedAt }) => [startedAt, finishedAt]);

/** Of an Event that was stripped of its times: who wrote it and when, else the hex at the end of its name. */
export function newestTimeOfEvent(event: Json): string | undefined {
  const { name } = fieldsOf(event.metadata);
  const hex = /\.([0-9a-f]{16})$/.exec(textOf(name) ?? '')?.[1];
  return newestTimeOf(event) ?? (hex === undefined ? undefined : timeOfNanoseconds(BigInt(`0x${hex}`)));
}

/** What spans can hold ends in 2262. */
const lastNanosecond = 2n ** 63n;

/** Since 1970, as OTLP/JSON writes it: text, or a number that has lost some digits. Undefined where it is none, or 0. */
export function timeOfNanoseconds(value: unknown): string | undefined {
  if (typeof value !== 'bigint' && !/^[1-9]\d{0,18}$/.test(String(value))) return undefined;
  const nanoseconds = BigInt(String(value));
  if (nanoseconds <= 0n || nanoseconds >= lastNanosecond) return undefined;
  const seconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}
