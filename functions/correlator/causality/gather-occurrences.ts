/**
 * Event occurrences, one for each (event UID, count), with the best time that their parts allow.
 */
import type { EventOccurrence } from '../../../shared/observation.ts';
import { mergeFields } from './gather-objects.ts';
import { compare, type Moment, max, min, narrow, parseTime, SECOND, secondOf, timeInName } from './time.ts';

type WireEvent = EventOccurrence['event'];

export interface Occurrence extends Moment {
  /** `event UID/count` */
  key: string;
  /** Its place among all, which are in order of time. */
  index: number;
  event: WireEvent;
  /** The Event's own resourceVersion as an integer; 0 where it has none. */
  version: number;
  /** Better than a second. */
  exact: boolean;
}

/** Something for each occurrence: by its index, since Maps of objects were a third of assembly's time. */
export class OccurrenceTable<T> {
  readonly #values: (T | undefined)[] = [];

  get({ index }: Occurrence): T | undefined {
    return this.#values[index];
  }

  set({ index }: Occurrence, value: T): void {
    this.#values[index] = value;
  }
}

/** In order of time. The fold is over a set: order of arrival and duplicates change nothing. */
export function gatherOccurrences(observations: Iterable<EventOccurrence>): Occurrence[] {
  const byKey = new Map<string, EventOccurrence>();
  const repeated = new Map<string, EventOccurrence[]>();
  for (const observation of observations) {
    const key = `${observation.event.uid}/${observation.event.count}`;
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, observation);
    else if (known !== observation) {
      const seen = repeated.get(key);
      if (seen === undefined) repeated.set(key, [known, observation]);
      else seen.push(observation);
    }
  }
  for (const [key, seen] of repeated) byKey.set(key, merged(seen));
  const occurrences: Occurrence[] = [];
  for (const [key, observation] of byKey) occurrences.push(timed(key, observation));
  orderWithinSeconds(occurrences);
  occurrences.sort(inOrder);
  for (const [index, occurrence] of occurrences.entries()) occurrence.index = index;
  return occurrences;
}

/** By time, then as the API server wrote them. Total: two occurrences never have one key. */
export const inOrder = (a: Occurrence, b: Occurrence): number =>
  compare(a.at, b.at) || a.version - b.version || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/**
 * Readings of one version merge field by field, whoever came first; a later patch with the same count (an annotation)
 * is laid over the earlier ones.
 */
function merged(observations: readonly EventOccurrence[]): EventOccurrence {
  const byVersion = Map.groupBy(observations, ({ event }) => versionOf(event));
  const versions = [...byVersion].sort(([a], [b]) => a - b);
  const readings = versions.map(([, same]) => same.map(({ event }) => event as unknown).reduce(mergeFields));
  const [first] = [...observations].sort((a, b) => compare(parseTime(a.observedAt), parseTime(b.observedAt)));
  return { type: 'event', observedAt: first!.observedAt, event: Object.assign({}, ...readings) as WireEvent };
}

const versionOf = (event: WireEvent): number => Number(event.resourceVersion ?? 0) || 0;

function timed(key: string, { event, observedAt }: EventOccurrence): Occurrence {
  const seen = parseTime(observedAt);
  const written = event.lastTimestamp ?? event.lastObservedTime ?? event.eventTime ?? event.firstTimestamp;
  const version = versionOf(event);
  if (written === undefined) return { key, index: 0, event, version, at: seen, latest: seen, exact: false };
  const time = parseTime(written);
  const named = event.count === 1 ? timeInName(event.name) : undefined;
  if (named !== undefined && agrees(named, time)) {
    return { key, index: 0, event, version, at: named, latest: named, exact: true };
  }
  const { at, latest } = narrow(time, seen);
  return { key, index: 0, event, version, at, latest, exact: time % SECOND !== 0n };
}

/** The name's nanoseconds fall into the timestamp's second, or into its microsecond where it has them. */
function agrees(named: bigint, time: bigint): boolean {
  if (time % SECOND === 0n) return secondOf(named) === time;
  return named / 1000n === time / 1000n;
}

/**
 * What one reporter said of one object within a second is in order of the Events' resourceVersion: its recorder sends
 * them one after the other. Only times that are guesses move, and never out of their second.
 */
function orderWithinSeconds(occurrences: readonly Occurrence[]): void {
  const coarse = occurrences.filter(({ exact }) => !exact);
  if (coarse.length === 0) return;
  const groupOf = ({ event, at }: Occurrence) =>
    `${event.reporter.component}|${event.reporter.instance}|${event.subject.uid ?? event.subject.name}|${secondOf(at)}`;
  const wanted = new Set(coarse.map(groupOf));
  const groups = Map.groupBy(
    occurrences.filter((occurrence) => occurrence.version > 0 && wanted.has(groupOf(occurrence))),
    groupOf,
  );
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    group.sort((a, b) => a.version - b.version);
    for (let i = group.length - 2; i >= 0; i--) {
      const [current, next] = [group[i]!, group[i + 1]!];
      if (!current.exact && current.at > next.at) current.at = max(secondOf(current.at), next.at);
    }
    for (let i = 1; i < group.length; i++) {
      const [previous, current] = [group[i - 1]!, group[i]!];
      if (!current.exact && current.at < previous.at)
        current.at = min(previous.at, secondOf(current.at) + SECOND - 1n);
    }
    for (const occurrence of group) occurrence.latest = max(occurrence.latest, occurrence.at);
  }
}
