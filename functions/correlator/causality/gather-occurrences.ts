/**
 * Event occurrences, one for each (event UID, count), with the best time that their parts allow. An Event that repeats says
 * when it was first: that occurrence is made from it where nobody saw it.
 */
import type { EventOccurrence } from '../../../shared/observation.ts';
import { mergeFields, type ObjectHistory } from './gather-objects.ts';
import { listTransitions } from './list-transitions.ts';
import { orderWithinSeconds } from './order-within-seconds.ts';
import { parseVersion } from './resource-version.ts';
import type { EventRow } from './rules/event-row.ts';
import { isFolded, type Match, type RuleSet } from './rules/rule-set.ts';
import { compare, DAY, type Moment, narrow, parseTime, SECOND, secondOf, timeInName } from './time.ts';

export type WireEvent = EventOccurrence['event'];

/** What a pod's status tells and no Event does. */
export interface Transition {
  /** What the id is made of: `pod UID/Ready//TIME` or `pod UID/Terminated/CONTAINER/TIME`. */
  id: string;
  /** When it is over; an instant's own time. */
  until: bigint;
  container: string | undefined;
  /** Of a container's end. */
  exitCode: number | undefined;
}

/** Something that happened to an object: an Event's occurrence, or a transition. */
export interface Occurrence extends Moment {
  /** `event UID/count`, or a transition's id. */
  key: string;
  /** Its place among all, which are in order of time. */
  index: number;
  /** Of a transition what an Event would say of subject and reason. */
  event: WireEvent;
  transition: Transition | undefined;
  /** The row that it matches. */
  match: Match | undefined;
  /** The Event's own resourceVersion. */
  version: bigint;
  /** Better than a second. */
  exact: boolean;
}

const noRow: Pick<EventRow, 'direction' | 'phase' | 'turn' | 'effect' | 'cause' | 'outcome'> = {};

/** What is known of its reason; nothing where no row declares it. */
export const rowOf = ({ match }: Occurrence): Partial<EventRow> => match?.row ?? noRow;

/** Something for each occurrence: by its index, since Maps of objects were a third of assembly's time. */
export class OccurrenceTable<T> {
  readonly #values: (T | undefined)[] = [];

  get({ index }: Occurrence): T | undefined {
    return this.#values[index];
  }

  set({ index }: Occurrence, value: T): void {
    this.#values[index] = value;
  }

  remove({ index }: Occurrence): void {
    this.#values[index] = undefined;
  }
}

/**
 * In order of time, with the transitions of the objects among them. The fold is over a set: order of arrival and duplicates
 * change nothing.
 */
export function gatherOccurrences(
  observations: Iterable<EventOccurrence>,
  histories: ReadonlyMap<string, ObjectHistory>,
  rules: RuleSet,
): Occurrence[] {
  const occurrences: Occurrence[] = [];
  /** Of the Events that were only seen repeated. */
  const lowest = new Map<string, Occurrence>();
  const merged = merge(observations);
  for (const [key, observation] of merged) {
    const occurrence = timed(key, observation, rules);
    occurrences.push(occurrence);
    const { uid, count } = occurrence.event;
    if (count === 1 || merged.has(`${uid}/1`)) continue;
    const known = lowest.get(uid);
    if (known === undefined || count < known.event.count) lowest.set(uid, occurrence);
  }
  for (const repeat of lowest.values()) {
    const first = firstOf(repeat, rules);
    if (first !== undefined) occurrences.push(first);
  }
  orderWithinSeconds(occurrences);
  for (const transition of listTransitions(histories, occurrences)) occurrences.push(transition);
  occurrences.sort(inOrder);
  for (const [index, occurrence] of occurrences.entries()) occurrence.index = index;
  return occurrences;
}

/** By time, then as the API server wrote them. Total: two occurrences never have one key. */
export const inOrder = (a: Occurrence, b: Occurrence): number =>
  compare(a.at, b.at) || compare(a.version, b.version) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** By key; several observations of one occurrence are one. */
function merge(observations: Iterable<EventOccurrence>): Map<string, EventOccurrence> {
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
  for (const [key, seen] of repeated) byKey.set(key, mergeReadings(seen));
  return byKey;
}

/**
 * Readings of one version merge field by field, whoever came first; a later patch with the same count (an annotation)
 * is laid over the earlier ones.
 */
function mergeReadings(observations: readonly EventOccurrence[]): EventOccurrence {
  const byVersion = Map.groupBy(observations, ({ event }) => versionOf(event));
  const versions = [...byVersion].sort(([a], [b]) => compare(a, b));
  const readings = versions.map(([, same]) => same.map(({ event }) => event as unknown).reduce(mergeFields));
  const [first] = [...observations].sort((a, b) => compare(parseTime(a.observedAt), parseTime(b.observedAt)));
  return { type: 'event', observedAt: first!.observedAt, event: Object.assign({}, ...readings) as WireEvent };
}

const versionOf = (event: WireEvent): bigint => parseVersion(event.resourceVersion);

function timed(key: string, { event, observedAt }: EventOccurrence, rules: RuleSet): Occurrence {
  const written = event.lastTimestamp ?? event.lastObservedTime ?? event.eventTime ?? event.firstTimestamp;
  const moment = momentOf(event, written, observedAt);
  return occurrenceOf(key, event, versionOf(event), moment, rules);
}

/** One statement a field: V8 makes hash tables of objects that are spread together, and there are as many as Events. */
function occurrenceOf(
  key: string,
  event: WireEvent,
  version: bigint,
  { at, latest, exact }: Moment & { exact: boolean },
  rules: RuleSet,
): Occurrence {
  const match = rules.match(event.subject, event.reason, event.message);
  return { key, index: 0, event, transition: undefined, match, version, at, latest, exact };
}

function momentOf(
  { name, count }: Pick<WireEvent, 'name' | 'count'>,
  written: string | undefined,
  observedAt: string,
): Moment & { exact: boolean } {
  if (written === undefined) {
    const seen = parseTime(observedAt);
    return { at: seen, latest: seen, exact: false };
  }
  const time = parseTime(written);
  const named = count === 1 ? timeInName(name) : undefined;
  if (named !== undefined && agrees(named, time)) return { at: named, latest: named, exact: true };
  const { at, latest } = narrow(time, parseTime(observedAt));
  return { at, latest, exact: time % SECOND !== 0n };
}

/** The name's nanoseconds fall into the timestamp's second, or into its microsecond where it has them. */
function agrees(named: bigint, time: bigint): boolean {
  if (time % SECOND === 0n) return named >= time && named - time < SECOND;
  return named / 1000n === time / 1000n;
}

/**
 * The first occurrence of an Event that was only seen repeated: (UID, 1), at its firstTimestamp or its series' eventTime, with
 * what the repeat says. A folded Event's first message was another one: it drives nothing. Nothing where the repeat is a day
 * or more later (what says that it was sent may be gone by then).
 */
function firstOf({ event, version, at }: Occurrence, rules: RuleSet): Occurrence | undefined {
  const written = event.firstTimestamp ?? event.eventTime;
  if (written === undefined) return undefined;
  const before = at - secondOf(parseTime(written));
  // After its own repeat it cannot have been.
  if (before < 0n || at - parseTime(written) >= DAY) return undefined;
  const { lastTimestamp: _, lastObservedTime: __, ...rest } = event;
  const first: WireEvent = { ...rest, count: 1 };
  // Nobody saw it: its time is known by what was written, not by when it was seen.
  const moment = momentOf(first, written, written);
  const occurrence = occurrenceOf(`${event.uid}/1`, first, version, moment, rules);
  return isFolded(event.message) ? { ...occurrence, match: undefined } : occurrence;
}

/** A container's end that was no success. */
export const isFailedEnd = ({ transition }: Occurrence): boolean => (transition?.exitCode ?? 0) !== 0;
