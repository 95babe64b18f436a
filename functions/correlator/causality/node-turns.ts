/**
 * What happens to Nodes: by name, since a pod names its Node. A turn is in force until its opposite; of those in force the one
 * that came first is the cause of what follows.
 */
import { type Occurrence, rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { Resolved } from './resolve-objects.ts';
import type { NodeTurn } from './rules/event-row.ts';
import { MINUTE, type Moment, SECOND } from './time.ts';
import { recentGap } from './trace.ts';

export interface NodeTurns {
  /** The first of those turns of the Node that was in force at that time, or that was reported soon after it. */
  inForce(node: string, wanted: ReadonlySet<NodeTurn>, time: bigint): Occurrence | undefined;
  /** By its row; what somebody said of a Node soon before its end, in words that no row knows, announced that. */
  turnOf(occurrence: Occurrence): NodeTurn | undefined;
  /** What somebody said of the Node around that time in words that no row knows: the last before it, else the first after it. */
  saidAround(node: string, time: Moment): Occurrence | undefined;
}

/** The kubelet reports a cordon with its next status update, some seconds after the first effects of a drain. */
const reportedWithin = MINUTE;

/**
 * Who empties a Node says so once and evicts one pod after the other. Shorter: a pod that a disruption budget kept a while went for
 * no reason. Longer: what is said of the Node for another reason becomes the cause of an eviction by hand.
 */
const emptiedWithin = MINUTE;
/** It speaks after the API server has answered. */
const saidWithin = 5n * SECOND;

/** What ends with a turn. */
const endsOf: Readonly<Partial<Record<NodeTurn, readonly NodeTurn[]>>> = {
  uncordoned: ['cordoned', 'announced'],
  ready: ['lost', 'shutdown', 'booting'],
  'pressure-over': ['pressure'],
};

/** Whether what began with one turn is over with another. */
export const ends = (turn: NodeTurn | undefined, begun: NodeTurn): boolean =>
  turn !== undefined && endsOf[turn]?.includes(begun) === true;

/** What may be the end of a Node: they are one story, whichever comes first. */
export const endings: ReadonlySet<NodeTurn> = new Set([
  'announced',
  'cordoned',
  'shutdown',
  'lost',
  'removed',
]);

export const turnOf = (occurrence: Occurrence): NodeTurn | undefined =>
  occurrence.event.subject.kind === 'Node' ? rowOf(occurrence).turn : undefined;

/** Agents of the Node itself, which say how they are. */
const agents: ReadonlySet<string | undefined> = new Set(['kubelet', 'kube-proxy']);

/** Somebody else's words about a Node, whatever they are: a tool that drains it, a cloud that takes it back. */
const isUndeclared = ({ match, transition, event }: Occurrence): boolean =>
  match === undefined && transition === undefined && !agents.has(event.reporter.component);

/** @param said of one Node, in order of time */
function announcements(said: readonly Occurrence[]): Occurrence[] {
  const found: Occurrence[] = [];
  let next: Occurrence | undefined;
  for (const occurrence of said.toReversed()) {
    const turn = turnOf(occurrence);
    if (turn !== undefined) next = occurrence;
    else if (next !== undefined && endings.has(turnOf(next)!) && isUndeclared(occurrence)) {
      if (next.at - occurrence.at <= recentGap) found.push(occurrence);
    }
  }
  return found;
}

export function gatherNodeTurns({ objects }: Resolved): NodeTurns {
  const nodes = Map.groupBy(
    [...objects.values()].filter(({ kind }) => kind === 'Node'),
    ({ name }) => name,
  );
  const announced = new Set<Occurrence>();
  const undeclared = new Map<string, Occurrence[]>();
  const byNode = new Map(
    [...nodes].map(([name, known]) => {
      const said = known.flatMap(({ occurrences }) => occurrences).sort((a, b) => a.index - b.index);
      for (const occurrence of announcements(said)) announced.add(occurrence);
      undeclared.set(name, said.filter(isUndeclared));
      return [name, said.filter((occurrence) => turnOf(occurrence) !== undefined)];
    }),
  );
  return {
    turnOf: (occurrence) => turnOf(occurrence) ?? (announced.has(occurrence) ? 'announced' : undefined),
    saidAround(node, { at, latest }) {
      const said = undeclared.get(node) ?? [];
      const before = said.findLast((one) => one.at <= latest);
      if (before !== undefined && at - before.latest <= emptiedWithin) return before;
      return said.find((one) => one.at > latest && one.at <= latest + saidWithin);
    },
    inForce(node, wanted, time) {
      const active = new Map<NodeTurn, Occurrence>();
      for (const occurrence of byNode.get(node) ?? []) {
        const turn = turnOf(occurrence)!;
        if (occurrence.at > time) {
          const known = first(active, wanted);
          if (known !== undefined) return known;
          if (occurrence.at > time + reportedWithin) return undefined;
          if (wanted.has(turn)) return occurrence;
          continue;
        }
        // Another Node has the name of one that was removed.
        if (active.has('removed') && (turn === 'booting' || turn === 'ready')) active.clear();
        for (const ended of endsOf[turn] ?? []) active.delete(ended);
        if (!active.has(turn)) active.set(turn, occurrence);
      }
      return first(active, wanted);
    },
  };
}

/** In the order in which they began. */
function first(
  active: ReadonlyMap<NodeTurn, Occurrence>,
  wanted: ReadonlySet<NodeTurn>,
): Occurrence | undefined {
  for (const [turn, occurrence] of active) if (wanted.has(turn)) return occurrence;
  return undefined;
}

/** A kubelet that starts says first that nothing is short. */
const isTold = (story: ReadonlySet<NodeTurn>): boolean => story.size > (story.has('pressure-over') ? 1 : 0);

/** It began with the Node's start, and not with how it went. */
export function isStart(story: ReadonlySet<NodeTurn>): boolean {
  for (const turn of story) {
    if (turn === 'booting') return true;
    if (turn === 'lost' || turn === 'shutdown') return false;
  }
  return false;
}

/** Its start is not over, or it was lost: another story would begin with its being ready. */
const isOnItsWay = (story: ReadonlySet<NodeTurn>): boolean =>
  isStart(story) ? !story.has('ready') : story.has('lost') || story.has('shutdown');

/**
 * Whether a Node's occurrence begins an episode of its own. What ends a Node is one story: notice, cordon, drain, lost, removed;
 * its start up to its first Ready is another; uncordoned, and back after a loss, are new ones.
 * @param story the turns of the Node's episode so far, in the order in which they came
 */
export function beginsStory(turn: NodeTurn, story: ReadonlySet<NodeTurn>): boolean {
  switch (turn) {
    case 'uncordoned':
      return true;
    case 'booting':
      // What comes first of a start is no turn (a kube-proxy's), and what comes back from a loss is on its way still.
      return story.has('removed') || (isTold(story) && !isOnItsWay(story));
    case 'ready':
      return !isStart(story);
    case 'pressure':
      return !story.has('pressure') && story.isDisjointFrom(endings);
    case 'pressure-over':
      // Another Node of that name says so as it starts.
      return story.has('removed');
    default:
      return story.isDisjointFrom(endings);
  }
}

/**
 * The Node that a pod was bound to: of one that is gone the one whose kubelet speaks of it. Of what owns a Node (a NodeClaim, a
 * Machine) its Node.
 */
export const nodeNameOf = ({
  kind,
  history,
  occurrences,
  controlled,
}: KubernetesObject): string | undefined =>
  kind !== 'Pod'
    ? controlled.find((object) => object.kind === 'Node')?.name
    : history === undefined
      ? occurrences.find(({ event: { reporter } }) => reporter.component === 'kubelet')?.event.reporter
          .instance
      : history.versions.findLast(({ object }) => object.nodeName !== undefined)?.object.nodeName;
