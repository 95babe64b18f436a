/**
 * Folding: of an activity that does not go quiet, what nobody changes any more goes into fewer and smaller items, so that
 * a look at all of it reads no more after a day than after hours.
 *
 * - `chunk` to `fold`, soon: the same observations in one item, which packs them a tenth as large.
 * - `cut` to `sent`, half an hour later: of its spans what tells that they were sent. The spans themselves go to a partition of
 *   their own, for a timer that comes again so late.
 *
 * Nothing that an assembly reads is left out. (Tried: of what is hours old only what later assemblies need. Random stories
 * found roots of changes that had none before: half of what a closed trace was made of makes another one.)
 *
 * Each is put before what it stands for is removed, and its key is behind those in order: who reads at the same time
 * finds the one, the other or both, and assembly is over a set.
 */
import type { Observation } from '../../shared/observation.ts';
import { fullestCluster } from './file-observations.ts';
import type { Waits } from './ports.ts';
import type { Item, Key } from './store.ts';
import { type Activity, archivedCut, type Chunk, foldItems, lastCutAt, sentItems } from './store-items.ts';

/** To be put, then what is to be removed. */
export interface Fold {
  put: Item[];
  remove: Key[];
}

/** Of so many one is made: fewer cost more to write than they spare. */
const fewestChunks = 48;
const fewestCuts = 8;

interface Read {
  activity: Activity;
  /** What its chunks hold, in the same order. */
  chunks: readonly Chunk[];
}

/** `now` in milliseconds since 1970. */
export function planFolds({ activity, chunks }: Read, waits: Waits, now: number): Fold[] {
  const folds: Fold[] = [];
  // What timers still ask for the time of has to stay by itself.
  const settled = Math.min(lastCutAt(activity), now - (waits.closing + waits.patience) * 1000);
  const isOld = ({ sk, fields }: Activity['chunks'][number]) =>
    sk.startsWith('chunk#') && fields.at < settled;
  const old = activity.chunks.filter(isOld);
  if (old.length >= fewestChunks) {
    const own = chunks.filter((_, i) => isOld(activity.chunks[i]!));
    const chunk = {
      cluster: fullestCluster(own.map(({ cluster }) => cluster)),
      observations: withoutRepeats(own.flatMap(({ observations }) => observations)),
    };
    folds.push({ put: foldItems(activity.key, old, chunk), remove: old });
  }
  const cuts = activity.cuts.filter(
    ({ sk, fields }) => sk.startsWith('cut#') && fields.at < now - waits.cutRetention * 1000,
  );
  // The last one keeps the number.
  cuts.sort((a, b) => (a.sk < b.sk ? -1 : 1));
  const done = cuts.slice(0, -1);
  if (done.length >= fewestCuts) {
    folds.push({
      put: [...done.map((item) => archivedCut(activity.key, item)), ...sentItems(activity.key, done)],
      remove: done,
    });
  }
  return folds;
}

const withoutRepeats = (observations: readonly Observation[]): Observation[] => [
  ...new Map(observations.map((observation) => [JSON.stringify(observation), observation])).values(),
];
