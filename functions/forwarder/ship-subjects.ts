/**
 * With an Event goes what it is about: its subject and that one's owners, where they were not shipped lately. Watched
 * objects are known; others, and those whose kind is still being listed, are looked up, once: the Event does not wait for
 * them.
 */
import type { ObjectReference, ObjectSnapshot } from '../../shared/observation.ts';
import { neverShipped } from '../../shared/snapshot-fields.ts';
import type { Json } from './kubernetes/api-server.ts';
import type { Clock } from './kubernetes/clock.ts';
import { mostRemembered } from './kubernetes/handover-annotations.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import { compareVersions } from './kubernetes/resource-versions.ts';
import { observeObject } from './observe.ts';
import {
  createLookUpQueue,
  type LookUpQueue,
  type LookUpSettings,
  lookUpKey,
  lookUpsSettled,
  rememberedLookUps,
  startLookUp,
} from './queue-look-ups.ts';
import type { SpecReader } from './read-spec.ts';
import type { DeliveryRemark } from './remarks.ts';
import { fieldsOf, type Known, type SnapshotCache } from './snapshot-cache.ts';
import { noStep, type Step } from './track-positions.ts';

export interface SubjectPorts {
  cache: SnapshotCache;
  clock: Clock;
  lookUp: LookUp;
  specs: SpecReader;
  isWatched(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): boolean;
  /** Somebody speaks of an object that is not watched: perhaps its kind was installed a moment ago. */
  onUnwatched(reference: Pick<ObjectReference, 'apiVersion' | 'kind'>): void;
  redact(snapshot: ObjectSnapshot): ObjectSnapshot;
  /** Resolves once the snapshot is on its way; holds the step until it is stored. */
  ship(known: Known, step: Step): Promise<void>;
  /** A look-up that was remembered is over. */
  onLookedUp(): void;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

export interface SubjectSettings extends LookUpSettings {
  /** Milliseconds after which a snapshot goes again with an Event: half of what the store keeps it. */
  shipAgainAfter: number;
  /** Milliseconds before the same object is looked up again, where its Event speaks of a newer version, or it was not found. */
  lookUpAgainAfter: number;
}

export const defaultSubjectSettings: SubjectSettings = {
  shipAgainAfter: 12 * 3_600_000,
  lookUpTime: 30_000,
  concurrency: 4,
  mostWaiting: 1_000,
  mostRemembered,
  lookUpAgainAfter: 60_000,
};

/** Owners of owners: Pod, ReplicaSet, Deployment, and what operators put above. A cycle ends here as well. */
const longestChain = 10;

export interface SubjectShipper {
  /** Resolves once what is known is on its way, owners first; look-ups go on, remembered or holding the step. */
  shipWith(subject: ObjectReference, step: Step): Promise<void>;
  /** The same for an object that is known. */
  shipChain(known: Known, step: Step): Promise<void>;
  /** What somebody who led before was looking up. */
  lookUpAgain(references: readonly ObjectReference[]): void;
  /** What is looked up and not stored, though the checkpoint may be past it. */
  lookingUp(): ObjectReference[];
  /** Once no look-up is under way. */
  settled(): Promise<void>;
}

/** What one Event after the other is shipped with. */
interface Shipping {
  ports: SubjectPorts;
  settings: SubjectSettings;
  lookUps: LookUpQueue;
}

export function createSubjectShipper(
  ports: SubjectPorts,
  settings: SubjectSettings = defaultSubjectSettings,
): SubjectShipper {
  const { clock, lookUp, onLookedUp, report, signal } = ports;
  const lookUps = createLookUpQueue(
    {
      clock,
      lookUp,
      report,
      signal,
      onFound: (object, reference, step) => shipFound(shipping, object, reference, step),
      onOver: onLookedUp,
    },
    settings,
  );
  const shipping: Shipping = { ports, settings, lookUps };
  return {
    shipWith: (subject, step) => shipSubject(shipping, subject, step),
    shipChain: (known, step) => shipChain(shipping, known, step),
    lookUpAgain(references) {
      for (const reference of references)
        lookUpWhereDue(shipping, reference, ports.cache.find(reference), noStep);
    },
    lookingUp: () => rememberedLookUps(lookUps),
    settled: () => lookUpsSettled(lookUps),
  };
}

async function shipSubject(shipping: Shipping, subject: ObjectReference, step: Step): Promise<void> {
  const known = shipping.ports.cache.find(subject);
  lookUpWhereDue(shipping, subject, known, step);
  if (known !== undefined) await shipChain(shipping, known, step);
}

/** Owners first. */
async function shipChain(shipping: Shipping, bottom: Known, step: Step): Promise<void> {
  const { cache, clock, ship } = shipping.ports;
  const chain: Known[] = [];
  let known: Known | undefined = bottom;
  while (known !== undefined && chain.length < longestChain) {
    chain.push(known);
    const owner: Known | undefined = known.ownerUid === undefined ? undefined : cache.byUid(known.ownerUid);
    // Of a watched one no more is asked: most Events end here without a look into the snapshot.
    if (owner?.resource === undefined) {
      const reference = ownerOf(known);
      if (reference !== undefined) lookUpWhereDue(shipping, reference, owner, step);
    }
    known = owner;
  }
  for (const link of chain.reverse()) {
    if (isStale(link, clock.now(), shipping.settings)) await ship(link, step);
  }
}

function ownerOf(known: Known): ObjectReference | undefined {
  if (known.ownerUid === undefined) return undefined;
  const { owner, namespace } = fieldsOf(known);
  return owner && { ...owner, ...(namespace !== undefined && { namespace }) };
}

const isStale = (
  { shippedAt }: Pick<Known, 'shippedAt'>,
  now: number,
  { shipAgainAfter }: Pick<SubjectSettings, 'shipAgainAfter'>,
): boolean => now - shippedAt > shipAgainAfter;

function lookUpWhereDue(
  { ports, settings, lookUps }: Shipping,
  reference: ObjectReference,
  known: Known | undefined,
  step: Step,
): void {
  if (ports.isWatched(reference) || neverShipped.has(reference.kind)) return;
  ports.onUnwatched(reference);
  const key = lookUpKey(reference);
  const asked = { isUnderWay: lookUps.jobs.has(key), lastAt: lookUps.lastAsked.get(key) };
  if (isLookUpDue(reference, known, asked, ports.clock.now(), settings)) {
    startLookUp(lookUps, reference, step);
  }
}

/**
 * Whether the API server is to be asked for an object that is not watched. One that is under way is joined where nothing is
 * known: what the Event is about is then shipped before the checkpoint passes the Event.
 * @param asked of that object; `lastAt` in milliseconds, as `now`
 */
export function isLookUpDue(
  { resourceVersion }: Pick<ObjectReference, 'resourceVersion'>,
  known: Pick<Known, 'deleted' | 'version' | 'shippedAt'> | undefined,
  asked: { isUnderWay: boolean; lastAt: number | undefined },
  now: number,
  settings: Pick<SubjectSettings, 'shipAgainAfter' | 'lookUpAgainAfter'>,
): boolean {
  if (known?.deleted) return false;
  if (asked.isUnderWay) return known === undefined;
  if (asked.lastAt !== undefined && now - asked.lastAt < settings.lookUpAgainAfter) return false;
  if (known === undefined || isStale(known, now, settings)) return true;
  return (
    resourceVersion !== undefined &&
    known.version !== undefined &&
    compareVersions(resourceVersion, known.version) > 0
  );
}

async function shipFound(
  shipping: Shipping,
  object: Json,
  reference: ObjectReference,
  step: Step,
): Promise<void> {
  const { cache, clock, ship } = shipping.ports;
  const snapshot = readFound(shipping.ports, object, reference);
  if (snapshot === undefined) return;
  const { known, news } = cache.see(snapshot, { type: 'looked-up' });
  // Its owners first, as always.
  const owner = ownerOf(known);
  if (owner !== undefined) await shipSubject(shipping, owner, step);
  if (news || isStale(known, clock.now(), shipping.settings)) await ship(known, step);
}

/** Undefined where it says nothing of the object that was asked for. */
function readFound(
  { clock, specs, redact, report }: SubjectPorts,
  object: Json,
  { uid, kind }: ObjectReference,
): ObjectSnapshot | undefined {
  const observed = observeObject(object, new Date(clock.now()).toISOString(), false, specs);
  if (!observed.ok) {
    const { name = '' } = (object.metadata ?? {}) as { name?: string };
    report({ type: 'snapshot-dropped', reason: 'unreadable', about: { kind, name }, why: observed.reason });
    return undefined;
  }
  // Another one has taken over the name: ours is gone.
  if (uid !== undefined && observed.value.object.uid !== uid) return undefined;
  return redact({ ...observed.value, from: 'look-up' });
}
