/**
 * Who wrote a generation, by what differs from the version before it. Not "the newest entry": those of subresource `scale`
 * carry no time (apimachinery's fieldmanager, scalehandler.go), and scaling to 0 leaves no entry at all: that of the applier
 * only loses a field then, and did not write.
 */
import type { FieldManager } from '../../../shared/observation.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import { compare, parseTime } from './time.ts';

const sameEntry = (a: FieldManager, b: FieldManager): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;

/** Undefined where nobody is known. Without a version before it: whoever wrote last. */
export function writerOf({ object }: Version, previous: Version | undefined): FieldManager | undefined {
  const all = object.managers ?? [];
  const writers = specWritersOf(all);
  const before = previous?.object.managers;
  if (before === undefined) {
    return newest(writers.filter(({ time }) => time !== undefined)) ?? newest(writers);
  }
  return (
    whoDiffers(writers, before) ??
    // An annotation makes a generation of a Deployment, and is nothing of its spec; the controller writes some, too.
    whoDiffers(
      all.filter(({ writesStatus }) => writesStatus !== true),
      before,
    ) ??
    whoLeft(all, before) ??
    writers.find(({ subresource }) => subresource === 'scale')
  );
}

/** Those that own fields of the spec; all where nobody says what they own. */
export const specWritersOf = (all: readonly FieldManager[]): readonly FieldManager[] =>
  all.some(({ ownsSpec }) => ownsSpec === true) ? all.filter(({ ownsSpec }) => ownsSpec !== false) : all;

/** The entry that is new, else whose time changed, else that gained fields. */
function whoDiffers(
  writers: readonly FieldManager[],
  before: readonly FieldManager[],
): FieldManager | undefined {
  const earlierOf = (entry: FieldManager) => before.find((other) => sameEntry(entry, other));
  const isNew = writers.filter((entry) => earlierOf(entry) === undefined);
  if (isNew.length > 0) return newest(isNew);
  const rewritten = writers.filter((entry) => earlierOf(entry)?.time !== entry.time);
  if (rewritten.length > 0) return newest(rewritten);
  return newest(writers.filter((entry) => hasGained(entry, earlierOf(entry)!)));
}

/**
 * `kubectl rollout resume` takes back all that it once set, and its entry with it; that of a scaling goes with a scaling to 0 that
 * anybody may have asked for.
 */
function whoLeft(all: readonly FieldManager[], before: readonly FieldManager[]): FieldManager | undefined {
  const gone = before.filter(
    (entry) => entry.subresource === undefined && !all.some((other) => sameEntry(entry, other)),
  );
  const last = newest(gone);
  if (last === undefined) return undefined;
  // Its time is that of setting it.
  const { time: _, ...manager } = last;
  return manager;
}

/** Other fields than before, and no fewer. */
function hasGained(entry: FieldManager, before: FieldManager): boolean {
  if (entry.fields === before.fields) return false;
  return (entry.fieldCount ?? 0) >= (before.fieldCount ?? 0);
}

/** Of an object's oldest entry: who made it. */
export function creatorOf(managers: readonly FieldManager[] | undefined): FieldManager | undefined {
  const timed = (managers ?? []).filter(
    ({ time, subresource }) => time !== undefined && subresource === undefined,
  );
  return [...timed].sort(
    (a, b) => compare(parseTime(a.time!), parseTime(b.time!)) || (a.manager < b.manager ? -1 : 1),
  )[0];
}

function newest(entries: readonly FieldManager[]): FieldManager | undefined {
  return [...entries].sort(
    (a, b) =>
      compare(b.time === undefined ? 0n : parseTime(b.time), a.time === undefined ? 0n : parseTime(a.time)) ||
      (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0),
  )[0];
}

/**
 * The managers that are the object's own controller: they write its status, or report on it under that name. What they write
 * into its spec (defaults, what they have chosen) is no change that somebody made. A scaling by kube-controller-manager is
 * one: the autoscaler asked for it.
 */
export function controllersOf(history: ObjectHistory, reporters: ReadonlySet<string>): ReadonlySet<string> {
  const controllers = new Set(reporters);
  for (const { object } of history.versions) {
    for (const { manager, writesStatus } of object.managers ?? []) {
      // A person may write a status as well (`kubectl patch --subresource=status`), and is no controller by that.
      if (writesStatus === true && !manager.startsWith('kubectl')) controllers.add(manager);
    }
  }
  return controllers;
}
