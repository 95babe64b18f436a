/**
 * What an object that was changed before anybody looked tells of its changes since its creation: managedFields say of each
 * manager when it wrote last; and a workload keeps an object for each template that it had, made when it first had it. kubectl
 * hides managedFields from its output (since 1.21): of most objects that people paste, only the latter tell.
 */
import type { FieldManager } from '../../../shared/observation.ts';
import { revision } from './find-rollback.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { compare, type Moment, narrow, parseTime, SECOND, secondOf } from './time.ts';
import { specWritersOf } from './who-wrote.ts';

export interface ToldChange {
  moment: Moment;
  /** Undefined where nobody is known. */
  writer: FieldManager | undefined;
  isScaling: boolean;
}

/**
 * Between a change and what its controller makes or scales for it. Shorter: what a busy controller does is taken for another
 * change. Longer: of two changes in such a time only one is told.
 */
const carriedOutWithin = 10n * SECOND;

/** Whether what a controller did is what came of the change, which is known to the second. */
export const mayHaveMade = (change: Moment, done: Moment): boolean =>
  secondOf(change.at) <= done.latest && done.at - change.latest <= carriedOutWithin;

/** After its creation, in order of time. */
export function findToldChanges(
  object: KubernetesObject,
  version: Version,
  controllers: ReadonlySet<string>,
): ToldChange[] {
  const created = object.history!.created!;
  const written = writtenAfter(created, version, controllers);
  const moments = [created, ...written.map(({ moment }) => moment)];
  const until = latestTold(object, version, moments.at(-1)!);
  const told = [...written];
  for (const moment of broughtIn(object)) {
    const isLater = until !== undefined && moment.latest >= until;
    if (isLater || moments.some((change) => mayHaveMade(change, moment))) continue;
    moments.push(moment);
    told.push({ moment, writer: undefined, isScaling: false });
  }
  return told.sort((a, b) => compare(a.moment.at, b.moment.at));
}

/** Before when all that is told of was written; undefined where nothing says so. */
function latestTold(
  { history }: KubernetesObject,
  { object, observedAt }: Version,
  last: Moment,
): bigint | undefined {
  // Whoever wrote later would have left a time.
  if (object.managers?.some(({ time }) => time !== undefined)) return last.at;
  // A dump's only version is as new as its Events; what came after one that was changed since speaks of those changes.
  return history!.versions.length === 1 ? undefined : observedAt;
}

/** By the last time of each manager of the spec; those in one second are one change. */
function writtenAfter(
  created: Moment,
  { object, observedAt }: Version,
  controllers: ReadonlySet<string>,
): ToldChange[] {
  const bySecond = new Map<string, FieldManager>();
  for (const writer of specWritersOf(object.managers ?? [])) {
    if (writer.time === undefined || controllers.has(writer.manager)) continue;
    if (parseTime(writer.time) <= created.latest) continue;
    const known = bySecond.get(writer.time);
    if (known === undefined || writer.manager < known.manager) bySecond.set(writer.time, writer);
  }
  return [...bySecond.values()]
    .map((writer) => ({ writer, moment: narrow(parseTime(writer.time!), observedAt), isScaling: false }))
    .sort((a, b) => compare(a.moment.at, b.moment.at));
}

/** Kinds of objects that stand for a template of their owner. */
const keptTemplates: ReadonlySet<string> = new Set(['ReplicaSet', 'ControllerRevision']);

const isFirst = ({ versions }: ObjectHistory): boolean =>
  versions.some(({ object }) => object.annotations?.[revision] === '1');

/**
 * When a template came in, in order of time: at the latest when an object was made for it, or when that was scaled up from nothing,
 * which a rollback does, too.
 */
function broughtIn({ controlled, occurrences }: KubernetesObject): Moment[] {
  const made = controlled.flatMap(({ kind, history }) =>
    keptTemplates.has(kind) && history?.created !== undefined && !isFirst(history) ? history.created : [],
  );
  const scaled = occurrences.filter(
    ({ match }) => match?.row.effect === 'scales' && match.up === true && match.from === 0,
  );
  return [...made, ...scaled]
    .map(({ at, latest }) => ({ at: secondOf(at), latest }))
    .sort((a, b) => compare(a.at, b.at) || compare(a.latest, b.latest));
}
