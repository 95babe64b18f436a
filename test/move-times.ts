/** A recording as if it had ended lately: what is a day old when it comes is too old for the pipeline. */
import type { Observation } from '../shared/observation.ts';

const hour = 3_600_000;
const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)((?:\.\d+)?Z)$/;
/** The end of an Event's name: nanoseconds since 1970. */
const timeInName = /^(.*\.)([0-9a-f]{16})$/;

/** By whole hours, so that all stays where it is within its minute: the last is seen in the hour before `end`. */
export function moveTimes(observations: readonly Observation[], end: number): Observation[] {
  const last = Math.max(...observations.map(({ observedAt }) => Date.parse(observedAt)));
  const by = Math.floor((end - last) / hour) * hour;
  return observations.map((observation) => movedBy(observation, by) as Observation);
}

/** By so many milliseconds, wherever a time stands. */
export function movedBy(value: unknown, by: number): unknown {
  if (typeof value === 'string') return movedText(value, by);
  if (Array.isArray(value)) return value.map((each) => movedBy(each, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, movedBy(each, by)]));
}

function movedText(text: string, by: number): string {
  const [, seconds, fraction] = rfc3339.exec(text) ?? [];
  if (seconds !== undefined)
    return `${new Date(Date.parse(`${seconds}Z`) + by).toISOString().slice(0, 19)}${fraction}`;
  const [, name, nanoseconds] = timeInName.exec(text) ?? [];
  if (name === undefined) return text;
  return name + (BigInt(`0x${nanoseconds}`) + BigInt(by) * 1_000_000n).toString(16).padStart(16, '0');
}
