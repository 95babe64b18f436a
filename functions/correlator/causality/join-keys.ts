/**
 * Join keys: under which activities of different roots find each other. Each placement rule that crosses roots declares its
 * keys from one observation at a time; what a key needs from others (the Node of a pod) is filled in here. Both sides of a rule
 * name the same key (of a link from one to many, each its side of it): who comes second finds the other there, so the order in
 * which they come does not matter.
 */
import { hash } from 'node:crypto';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../shared/observation.ts';
import { adoptionKeys } from './adoption-keys.ts';
import { ownerNames } from './find-owner-by-name.ts';
import { type JoinKey, linkKey, nameOf } from './join-key.ts';
import { nameKey } from './kubernetes-object.ts';
import { linkJoins } from './link-joins.ts';
import { removedKey } from './named-pods.ts';
import type { Told } from './placement/placement-rule.ts';
import { placementRules } from './placement/placement-rules.ts';
import type { RuleSet } from './rules/rule-set.ts';

/** Whoever declares keys: the placement rules, the links between traces, and what tells owners by name. */
const declarations = [...placementRules, ...linkJoins, ownerNames].flatMap(({ joins }) => joins ?? []);

function tell(observation: Observation, rules: RuleSet): Told {
  if (observation.type === 'object') return observation;
  const { event } = observation;
  return { type: 'event', event, match: rules.match(event.subject, event.reason, event.message) };
}

function* declared(observation: Observation, rules: RuleSet): Iterable<JoinKey> {
  const told = tell(observation, rules);
  for (const joins of declarations) yield* joins(told, rules);
}

/** Keys by name (`kind/namespace/name`) or UID (`uid:…`), sorted. Most activities have none. */
export function joinKeys(observations: Iterable<Observation>, rules: RuleSet): string[] {
  const all = [...observations];
  const context = contextOf(all, rules);
  const keys = new Set<string>(adoptionKeys(context.snapshots));
  for (const observation of all) {
    for (const key of declared(observation, rules)) for (const text of resolve(key, context)) keys.add(text);
  }
  return [...keys].sort();
}

interface Context {
  snapshots: ObjectSnapshot['object'][];
  known: Set<string>;
  nodeOfPod: Map<string, string>;
  claimsOfPod: Map<string, string[]>;
}

function contextOf(observations: readonly Observation[], rules: RuleSet): Context {
  const context: Context = { snapshots: [], known: new Set(), nodeOfPod: new Map(), claimsOfPod: new Map() };
  for (const observation of observations) {
    if (observation.type === 'event') {
      const removed = removedPod(observation, rules);
      if (removed !== undefined) context.known.add(removed);
      continue;
    }
    const { object, deleted, observedAt } = observation;
    context.snapshots.push(deleted ? { ...object, deletionTimestamp: observedAt } : object);
    context.known.add(nameOf(object).name);
    if (object.nodeName !== undefined) context.nodeOfPod.set(object.uid, object.nodeName);
    if (object.claims !== undefined) context.claimsOfPod.set(object.uid, object.claims);
  }
  return context;
}

/** Of a controller's "Deleted pod". */
function removedPod({ event }: EventOccurrence, rules: RuleSet): string | undefined {
  if (event.subject.kind === 'Pod') return undefined;
  const match = rules.match(event.subject, event.reason, event.message);
  if (match?.row.effect !== 'removes' || match.row.target !== 'Pod' || match.name === undefined)
    return undefined;
  return removedKey(match.namespace ?? event.subject.namespace, match.name);
}

/** Nobody has seen the object that would make it needless. */
const isOpen = (key: JoinKey, known: ReadonlySet<string>): boolean =>
  key.by !== 'name' || key.unlessKnown === undefined || !known.has(key.unlessKnown);

function* resolve(key: JoinKey, { known, nodeOfPod, claimsOfPod }: Context): Iterable<string> {
  switch (key.by) {
    case 'name':
      if (isOpen(key, known)) yield key.name;
      return;
    case 'uid':
      yield `uid:${key.uid}`;
      return;
    case 'link':
    case 'source':
      yield linkKey(key);
      return;
    case 'node-of': {
      const node = nodeOfPod.get(key.pod);
      if (node !== undefined) yield nameKey('Node', undefined, node);
      return;
    }
    case 'claims-of':
      for (const claim of claimsOfPod.get(key.pod) ?? [])
        yield nameKey('PersistentVolumeClaim', key.namespace, claim);
  }
}

/**
 * What join keys come from, as digests: where nothing is new among them, hardly any key is new, and whoever has more than these
 * observations finds out. A pod with an owner, as they come by the thousand, gives none.
 */
export function joinDigests(observations: Iterable<Observation>, rules: RuleSet): Set<string> {
  const all = [...observations];
  const { known } = contextOf(all, rules);
  const facts = new Set<string>();
  for (const observation of all) {
    // Each by itself: whoever knows more of the objects has fewer of them, and none that are new.
    for (const key of declared(observation, rules)) if (isOpen(key, known)) facts.add(JSON.stringify(key));
    const contribution = observation.type === 'object' ? contributionOf(observation) : undefined;
    if (contribution !== undefined) facts.add(JSON.stringify(contribution));
  }
  return new Set([...facts].map((fact) => hash('sha256', fact, 'base64url').slice(0, 8)));
}

/** What an object adds to the context, and what tells that it may change hands; undefined where that yields no key. */
function contributionOf({ object, deleted }: ObjectSnapshot): unknown {
  const { kind, uid, owner, claims, deletionTimestamp } = object;
  const isGoing = deleted || deletionTimestamp !== undefined;
  if (owner === undefined) return [nameOf(object).name, uid, claims, isGoing];
  return kind === 'Pod' ? undefined : [kind, owner.uid, isGoing];
}
