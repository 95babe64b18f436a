/** Objects as the core knows them: what all snapshots and Events together show of each. */
import type { ObjectHistory } from './gather-objects.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { Disruption, Effect } from './rules/event-row.ts';
import type { Moment } from './time.ts';

/** An object as all snapshots and Events together show it. */
export interface KubernetesObject {
  /** Of an object without one: `kind/namespace/name`. */
  uid: string;
  apiVersion: string | undefined;
  kind: string;
  namespace: string | undefined;
  name: string;
  history: ObjectHistory | undefined;
  owner: KubernetesObject | undefined;
  controlled: KubernetesObject[];
  /** In order of time. */
  occurrences: Occurrence[];
  created: Moment | undefined;
  /** When its removal was asked for. */
  removal: Moment | undefined;
  /** From when on its controller did not count it any more: from its removal on at the latest. */
  missed: Moment | undefined;
  /** Why it went, where its condition DisruptionTarget says so. */
  disruption: Disruption | undefined;
  creator: Driver | undefined;
  remover: Driver | undefined;
  /** Drivers that changed how many objects it controls, in order of time. */
  scalings: Driver[];
  /** The object that it was last held up for: what it goes through is that one's start. */
  awaits: KubernetesObject | undefined;
}

/** An occurrence that acts on an object: on `target`, where that is known. */
export interface Driver {
  occurrence: Occurrence;
  effect: Effect;
  target: KubernetesObject | undefined;
  up: boolean | undefined;
  from: number | undefined;
  to: number | undefined;
}

/** What stands in for a UID. Events about a Node are in namespace default, Nodes in none. */
export const nameKey = (kind: string, namespace: string | undefined, name: string): string =>
  `${kind}/${kind === 'Node' ? '' : (namespace ?? '')}/${name}`;

/** The container runs: a round, or what looked like an end, is over. */
export const isStarted = ({ event }: Occurrence): boolean =>
  event.reason === 'Started' && event.subject.kind === 'Pod' && event.subject.fieldPath !== undefined;

/** Whether a pod's status is known, which then says when it was ready. */
export const saysReadiness = ({ history }: KubernetesObject): boolean =>
  history?.versions.some(({ object: { status } }) => status?.containers !== undefined) === true;
