/**
 * Releases: from the set of ended changes of many clusters to a trace for each revision that two or more of them brought. Pure, and a
 * function of the set: neither order nor duplicates change a byte of the result.
 */
import { releaseChangeSpanId } from '../../../shared/ids.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import type { SentSpan } from '../causality/assemble.ts';
import { compare, distance, max, min } from '../causality/time.ts';
import { identityOf, type OpenChange, type ReleaseChange } from './release-change.ts';
import { mostTold, type Place, writeChange, writeRelease } from './write-release.ts';

/** Times and durations in nanoseconds. */
export interface ReleaseAssembly {
  changes: Iterable<ReleaseChange>;
  /** Changes that had not ended when they were heard of last: their release waits for them. */
  open?: Iterable<OpenChange>;
  /** By span id, of releases: what it says is never contradicted. */
  sent?: ReadonlyMap<string, SentSpan>;
  /** A longer gap between the starts of two changes is one between two releases. */
  gap: bigint;
  /** After the start of its last change, and after the last word of one that is open, a release is over. */
  wait: bigint;
  /** No release waits for longer, from the start of its first change. */
  maxWait: bigint;
  now: bigint;
}

export interface AssembledReleases {
  /** Those that are over, and late spans of those that were sent; in the order of `explain`. */
  spans: Span[];
  /** When the next one is over; undefined where none is open. */
  nextAt: bigint | undefined;
}

export function assembleReleases({ changes, open = [], ...settings }: ReleaseAssembly): AssembledReleases {
  const assembled: AssembledReleases = { spans: [], nextAt: undefined };
  const unique = new Map<string, ReleaseChange>();
  for (const change of changes) {
    const id = identityOf(change);
    const known = unique.get(id);
    if (known === undefined || isBefore(change, known)) unique.set(id, change);
  }
  const underWay = [...open].filter(({ change }) => !unique.has(identityOf(change)));
  for (const [key, some] of Map.groupBy(unique.values(), ({ key }) => key.text))
    addReleases(assembled, some, {
      ...settings,
      open: underWay.filter(({ change }) => change.key.text === key),
    });
  assembled.spans.sort(compareSpans);
  return assembled;
}

type Settings = Omit<ReleaseAssembly, 'changes' | 'open'> & { open: readonly OpenChange[] };

/** Two that are told of one change and differ: always the same one. */
const isBefore = (a: ReleaseChange, b: ReleaseChange): boolean => JSON.stringify(a) < JSON.stringify(b);

/** A change that is to be told, one that was, or one that is under way. */
type Start = { at: bigint } & (
  | { change: ReleaseChange; sent: undefined }
  | { change: undefined; sent: Place }
  | { change: undefined; sent: undefined; heardAt: bigint }
);

function addReleases(
  assembled: AssembledReleases,
  changes: readonly ReleaseChange[],
  { open, sent = new Map(), gap, wait, maxWait, now }: Settings,
): void {
  for (const starts of splitAtGaps(startsOf(changes, open, sent), gap)) {
    const told = starts.flatMap((start) => start.sent ?? []);
    const untold = starts.flatMap((start) => start.change ?? []);
    if (told.length > 0) {
      assembled.spans.push(...lateSpans(starts, told));
      continue;
    }
    if (!isRelease(untold)) continue;
    const last = starts.map((start) => ('heardAt' in start ? start.heardAt : start.at)).reduce(max);
    const over = min(last + wait, starts[0]!.at + maxWait);
    if (over <= now) assembled.spans.push(...writeRelease(untold));
    else assembled.nextAt = assembled.nextAt === undefined ? over : min(assembled.nextAt, over);
  }
}

/** One object's change alone is its own trace; that images are the same says something of two clusters only. */
const isRelease = (changes: readonly ReleaseChange[]): boolean =>
  changes.length > 1 &&
  (changes[0]!.key.by !== 'images' || new Set(changes.map(({ cluster }) => cluster)).size > 1);

/** In order. */
function startsOf(
  changes: readonly ReleaseChange[],
  open: readonly OpenChange[],
  sent: ReadonlyMap<string, SentSpan>,
): Start[] {
  const starts: Start[] = changes
    .filter((change) => !sent.has(spanIdOf(change)))
    .sort((a, b) => compare(startOf(a), startOf(b)) || (identityOf(a) < identityOf(b) ? -1 : 1))
    .map((change) => ({ at: startOf(change), change, sent: undefined }));
  for (const { change, heardAt } of open)
    if (!sent.has(spanIdOf(change)))
      starts.push({ at: startOf(change), change: undefined, sent: undefined, heardAt });
  for (const { parentSpanId, traceId, startTimeUnixNano } of sent.values())
    if (parentSpanId !== null)
      starts.push({
        at: BigInt(startTimeUnixNano),
        change: undefined,
        sent: { traceId, rootSpanId: parentSpanId },
      });
  return starts.sort((a, b) => compare(a.at, b.at));
}

const startOf = ({ root }: ReleaseChange): bigint => BigInt(root.startTimeUnixNano);
const spanIdOf = ({ key, cluster, uid, id }: ReleaseChange): string =>
  releaseChangeSpanId(key.text, cluster, uid, id);

function splitAtGaps(starts: readonly Start[], gap: bigint): Start[][] {
  const parts: Start[][] = [];
  for (const start of starts) {
    const last = parts.at(-1);
    if (last === undefined || start.at - last.at(-1)!.at > gap) parts.push([start]);
    else last.push(start);
  }
  return parts;
}

/** What came after its release was sent: a new span in the trace that has the change nearest to it. */
function lateSpans(starts: readonly Start[], told: readonly Place[]): Span[] {
  const room = new Map<string, number>();
  for (const { traceId } of told) room.set(traceId, (room.get(traceId) ?? mostTold) - 1);
  const spans: Span[] = [];
  for (const { at, change } of starts) {
    if (change === undefined) continue;
    const place = nearest(starts, at);
    const left = room.get(place.traceId) ?? 0;
    room.set(place.traceId, left - 1);
    if (left > 0) spans.push(writeChange(change, place));
  }
  return spans;
}

function nearest(starts: readonly Start[], at: bigint): Place {
  const told = starts.filter(({ sent }) => sent !== undefined);
  const away = told.map((start) => distance(start.at, at));
  const closest = away.reduce(min);
  // Of two that are as near the one whose id sorts first: whoever was read first must not decide.
  return told
    .filter((_, i) => away[i] === closest)
    .map(({ sent }) => sent!)
    .reduce((a, b) => (a.traceId < b.traceId ? a : b));
}
