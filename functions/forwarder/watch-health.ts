/**
 * Whether a restart would help (`healthz`), and whether what comes is shipped (`readyz`). A stream that is away, an API
 * server that refuses, a replica that waits for its turn: none of them is mended by a restart.
 */
import { explainTrouble, type PutTrouble } from './explain-trouble.ts';
import { events, resourceName } from './kubernetes/watched-resources.ts';
import type { TermState } from './run-term.ts';
import type { Remark } from './tell-remarks.ts';

export interface HealthSettings {
  /** Milliseconds without a line, a bookmark or a new try after which a watch counts as stuck. */
  stuckAfter: number;
  /** Milliseconds of failing puts after which it is told. */
  notShippingAfter: number;
}

/** Events have no bookmarks: their watch is quiet until it is begun anew, after 3 minutes (kubernetes/watch-resource.ts). */
const defaultHealthSettings: HealthSettings = { stuckAfter: 10 * 60_000, notShippingAfter: 60_000 };

export interface Health {
  /** Each remark, for what it says of the state. */
  note(remark: Remark): void;
  heard(resource: string): void;
  putting(): void;
  /** Of the term that begins, until `ended`. */
  began(state: TermState): void;
  ended(): void;
  /** What a restart would mend: empty is healthy. */
  stuck(): string[];
  /** Why this replica does not do its work: empty is ready. */
  notReady(): string[];
  /** Why the stream has been taking nothing, and for how long. */
  failing(): { reason: PutTrouble; seconds: number } | undefined;
}

/** What a change of the state is worth telling. */
type Told = Remark & { type: 'not-shipping' | 'shipping-again' };

interface Vitals {
  term: TermState | undefined;
  /** Until when each watch need give no sign of life. */
  readonly aliveUntil: Map<string, number>;
  /** Watches that the API server refuses for want of rights. */
  readonly refused: Set<string>;
  /** Until when the put under way need not end. */
  putUntil: number | undefined;
  /** `isTold`: that nothing is shipped is known to whoever looks at the pod. */
  failing: { since: number; reason: PutTrouble; isTold: boolean } | undefined;
  /** Whether the last try to lead or to follow failed. */
  noLease: boolean;
}

/**
 * @param now milliseconds, never backwards
 * @param tell once nothing could be shipped for so long, and once it can be again
 */
export function createHealth(
  now: () => number,
  tell: (remark: Told) => void,
  settings: HealthSettings = defaultHealthSettings,
): Health {
  const vitals: Vitals = {
    term: undefined,
    aliveUntil: new Map(),
    refused: new Set(),
    putUntil: undefined,
    failing: undefined,
    noLease: false,
  };
  return {
    note(remark) {
      const told = noteRemark(vitals, remark, now(), settings);
      if (told !== undefined) tell(told);
    },
    heard(resource) {
      vitals.refused.delete(resource);
      vitals.aliveUntil.set(resource, now() + settings.stuckAfter);
    },
    putting() {
      vitals.putUntil = now() + settings.stuckAfter;
    },
    began(term) {
      vitals.term = term;
      vitals.aliveUntil.clear();
      vitals.refused.clear();
    },
    ended() {
      vitals.term = undefined;
      vitals.putUntil = undefined;
      vitals.failing = undefined;
    },
    stuck: () => findStuck(vitals, now(), settings),
    notReady: () => findNotReady(vitals, now(), settings),
    failing() {
      const { failing } = vitals;
      return failing && { reason: failing.reason, seconds: secondsSince(failing, now()) };
    },
  };
}

const secondsSince = ({ since }: { since: number }, now: number): number => Math.round((now - since) / 1000);

function noteRemark(
  vitals: Vitals,
  remark: Remark,
  now: number,
  { stuckAfter, notShippingAfter }: HealthSettings,
): Told | undefined {
  switch (remark.type) {
    case 'refused':
      vitals.refused.add(remark.resource);
      vitals.aliveUntil.set(remark.resource, now + remark.wait + stuckAfter);
      return undefined;
    case 'restarted':
    case 'unknown-resource':
      vitals.aliveUntil.set(remark.resource, now + remark.wait + stuckAfter);
      return undefined;
    case 'kind-unavailable':
      // Nobody follows it; it is looked for anew (follow-kinds.ts).
      vitals.aliveUntil.delete(remark.resource);
      return undefined;
    case 'trouble':
      // The term that runs has a deadline of its own.
      vitals.noLease = vitals.term === undefined;
      return undefined;
    case 'leading':
    case 'following':
      vitals.noLease = false;
      return undefined;
    case 'put-again':
      vitals.putUntil = now + remark.wait + stuckAfter;
      return noteFailing(vitals, remark.reason, now, notShippingAfter);
    case 'shipped':
      vitals.putUntil = undefined;
      return noteShipped(vitals, now);
    default:
      return undefined;
  }
}

function noteFailing(
  vitals: Vitals,
  reason: PutTrouble,
  now: number,
  notShippingAfter: number,
): Told | undefined {
  const { since = now, isTold = false } = vitals.failing ?? {};
  const isLong = now - since >= notShippingAfter;
  vitals.failing = { since, reason, isTold: isTold || isLong };
  if (isTold || !isLong) return undefined;
  return { type: 'not-shipping', seconds: secondsSince(vitals.failing, now), reason };
}

function noteShipped(vitals: Vitals, now: number): Told | undefined {
  const { failing } = vitals;
  vitals.failing = undefined;
  return failing?.isTold ? { type: 'shipping-again', seconds: secondsSince(failing, now) } : undefined;
}

function findStuck(
  { term, aliveUntil, putUntil }: Vitals,
  now: number,
  { stuckAfter }: HealthSettings,
): string[] {
  if (term === undefined) return [];
  const problems: string[] = [];
  if (putUntil !== undefined && now > putUntil) problems.push('a put to the stream does not end');
  if (term.channel.isFull()) {
    // Nobody reads as long as there is no room. Afterwards each watch has its time again.
    for (const resource of aliveUntil.keys()) aliveUntil.set(resource, now + stuckAfter);
  }
  for (const [resource, until] of aliveUntil) {
    if (now > until) problems.push(`the watch of ${resource} is silent`);
  }
  return problems;
}

function findNotReady(
  { term, failing, noLease, refused }: Vitals,
  now: number,
  { notShippingAfter }: HealthSettings,
): string[] {
  const problems: string[] = [];
  if (failing !== undefined && now - failing.since >= notShippingAfter)
    problems.push(
      `nothing could be shipped for ${secondsSince(failing, now)} s: ${explainTrouble(failing.reason)}`,
    );
  if (noLease)
    problems.push('the Lease cannot be had: a right is missing, or the API server does not answer');
  // Without another kind traces say less; without Events there are none.
  if (term !== undefined && refused.has(resourceName(events)))
    problems.push('Events may not be watched: a right is missing');
  return problems;
}
