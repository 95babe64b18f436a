/**
 * Which scaling made or removed which pod of a controller. "From 0 to 4" adopts four and no more: a pod beyond that
 * has another cause.
 */
import { inOrder, type Occurrence } from './gather-occurrences.ts';
import type { Driver, KubernetesObject } from './kubernetes-object.ts';
import type { Resolved } from './resolve-objects.ts';
import { versionInHand } from './resource-version.ts';
import { compare, distance, HOUR, SECOND } from './time.ts';

/** The scaling that made or removed the pod, or that the occurrence "Created pod" or "Deleted pod" carried out. */
export type ScalingOf = (subject: KubernetesObject | Occurrence) => Driver | undefined;

interface Slot {
  at: bigint;
  key: string;
  pod: KubernetesObject | undefined;
  occurrence: Occurrence | undefined;
}

/** A pod beyond a scaling's number, or made this long after it, was not made by it. */
const carriedOutWithin = HOUR;

interface Way {
  effect: 'creates' | 'removes';
  driverOf(pod: KubernetesObject): Driver | undefined;
  timeOf(pod: KubernetesObject): bigint | undefined;
}

const ways = {
  up: {
    effect: 'creates',
    driverOf: (pod) => pod.creator,
    timeOf: (pod) => pod.created?.latest,
  },
  down: {
    effect: 'removes',
    driverOf: (pod) => pod.remover,
    timeOf: (pod) => pod.removal?.latest,
  },
} satisfies Record<string, Way>;

/** Pods that are `otherwiseCaused` take up no room. */
export function matchScalings(
  resolved: Resolved,
  direction: keyof typeof ways,
  otherwiseCaused: (pod: KubernetesObject) => boolean,
): ScalingOf {
  const way: Way = ways[direction];
  const isOpposite = direction === 'down';
  const scalings = new Map<KubernetesObject | Occurrence, Driver>();
  for (const controller of resolved.objects.values()) {
    if (controller.scalings.length === 0) continue;
    const sized = withSizes(controller.scalings);
    assign(
      slotsOf(controller, resolved, way, otherwiseCaused),
      sized.filter(({ driver }) => driver.up !== isOpposite),
      scalingOfGeneration(controller, sized),
      scalings,
    );
  }
  return (subject) => scalings.get(subject);
}

interface Sized {
  driver: Driver;
  /** How many more it can have made or removed. */
  left: number;
}

/** Older controllers say only "to 3": from what the scaling before left; upwards at first from nothing. */
function withSizes(scalings: readonly Driver[]): Sized[] {
  let size: number | undefined;
  return scalings.map((driver) => {
    const { from = size ?? (driver.up === true ? 0 : undefined), to } = driver;
    size = to ?? size;
    const change = from === undefined || to === undefined ? 0 : Math.abs(to - from);
    // No difference: what lies between was not seen.
    return { driver, left: change === 0 ? Infinity : change };
  });
}

function slotsOf(
  controller: KubernetesObject,
  resolved: Resolved,
  { effect, driverOf, timeOf }: Way,
  otherwiseCaused: (pod: KubernetesObject) => boolean,
): Slot[] {
  const slots: Slot[] = [];
  for (const pod of controller.controlled) {
    if (otherwiseCaused(pod)) continue;
    const occurrence = driverOf(pod)?.occurrence;
    const at = occurrence?.at ?? timeOf(pod);
    if (at !== undefined) slots.push({ at, key: pod.uid, pod, occurrence });
  }
  for (const occurrence of controller.occurrences) {
    const driver = resolved.driverOf(occurrence);
    if (driver?.effect !== effect) continue;
    const bound = driver.target !== undefined && driver.target.owner === controller;
    if (bound && (driverOf(driver.target!)?.occurrence === occurrence || otherwiseCaused(driver.target!)))
      continue;
    slots.push({ at: occurrence.at, key: occurrence.key, pod: undefined, occurrence });
  }
  return slots.sort((a, b) => compare(a.at, b.at) || (a.key < b.key ? -1 : 1));
}

function assign(
  slots: readonly Slot[],
  scalings: readonly Sized[],
  exact: (occurrence: Occurrence) => Sized | undefined,
  assigned: Map<KubernetesObject | Occurrence, Driver>,
): void {
  for (const slot of slots) {
    const named = slot.occurrence === undefined ? undefined : exact(slot.occurrence);
    const scaling =
      named !== undefined && named.left > 0 && scalings.includes(named)
        ? named
        : latestWithRoom(slot, scalings);
    if (scaling === undefined) continue;
    scaling.left--;
    if (slot.pod !== undefined) assigned.set(slot.pod, scaling.driver);
    if (slot.occurrence !== undefined) assigned.set(slot.occurrence, scaling.driver);
  }
}

/** The latest one at or before it; the recorders' queues let an effect be written up to a second before its cause. */
function latestWithRoom({ at }: Slot, scalings: readonly Sized[]): Sized | undefined {
  let after: Sized | undefined;
  for (let i = scalings.length - 1; i >= 0; i--) {
    const scaling = scalings[i]!;
    const { occurrence } = scaling.driver;
    if (occurrence.at > at + SECOND || scaling.left <= 0) continue;
    if (occurrence.at > at) after = scaling;
    else return at - occurrence.at <= carriedOutWithin ? scaling : after;
  }
  return after;
}

/**
 * A ReplicaSet's own generation names the scaling: each scaling is one. The newest version at or before the one that
 * the controller had in hand has that generation, since a forwarder ships every change of it.
 */
function scalingOfGeneration(
  { history }: KubernetesObject,
  scalings: readonly Sized[],
): (occurrence: Occurrence) => Sized | undefined {
  return ({ event }) => {
    if (history === undefined || event.count > 1) return undefined;
    const inHand = versionInHand(history.versions, event.subject.resourceVersion);
    const generation = inHand?.object.generation;
    if (generation === undefined) return undefined;
    const first = history.versions.find(({ object }) => object.generation === generation)!;
    const candidates = scalings.filter(
      ({ driver }) =>
        driver.to === first.object.replicas && distance(driver.occurrence.at, first.observedAt) < 5n * SECOND,
    );
    return candidates.sort(
      (a, b) =>
        compare(
          distance(a.driver.occurrence.at, first.observedAt),
          distance(b.driver.occurrence.at, first.observedAt),
        ) || inOrder(a.driver.occurrence, b.driver.occurrence),
    )[0];
  };
}
