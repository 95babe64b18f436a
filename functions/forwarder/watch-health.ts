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

/**
 * @param now milliseconds, never backwards
 * @param tell once nothing could be shipped for so long, and once it can be again
 */
export function createHealth(
  now: () => number,
  tell: (remark: Remark & { type: 'not-shipping' | 'shipping-again' }) => void,
  { stuckAfter, notShippingAfter }: HealthSettings = defaultHealthSettings,
): Health {
  let state: TermState | undefined;
  /** Until when each watch need give no sign of life. */
  const aliveUntil = new Map<string, number>();
  let putUntil: number | undefined;
  let failing: { since: number; reason: PutTrouble } | undefined;
  let told = false;
  /** Watches that the API server refuses for want of rights. */
  const refused = new Set<string>();
  /** Whether the last try to lead or to follow failed. */
  let noLease = false;
  const seconds = (since: number) => Math.round((now() - since) / 1000);

  return {
    note(remark) {
      switch (remark.type) {
        case 'refused':
          refused.add(remark.resource);
          aliveUntil.set(remark.resource, now() + remark.wait + stuckAfter);
          break;
        case 'restarted':
        case 'unknown-resource':
          aliveUntil.set(remark.resource, now() + remark.wait + stuckAfter);
          break;
        case 'kind-unavailable':
          // Nobody follows it; it is looked for anew (follow-kinds.ts).
          aliveUntil.delete(remark.resource);
          break;
        case 'trouble':
          // The term that runs has a deadline of its own.
          noLease = state === undefined;
          break;
        case 'leading':
        case 'following':
          noLease = false;
          break;
        case 'put-again':
          putUntil = now() + remark.wait + stuckAfter;
          failing = { since: failing?.since ?? now(), reason: remark.reason };
          if (told || now() - failing.since < notShippingAfter) break;
          told = true;
          tell({ type: 'not-shipping', seconds: seconds(failing.since), reason: failing.reason });
          break;
        case 'shipped':
          putUntil = undefined;
          if (told) tell({ type: 'shipping-again', seconds: seconds(failing!.since) });
          told = false;
          failing = undefined;
      }
    },
    heard(resource) {
      refused.delete(resource);
      aliveUntil.set(resource, now() + stuckAfter);
    },
    putting() {
      putUntil = now() + stuckAfter;
    },
    began(begun) {
      state = begun;
      aliveUntil.clear();
      refused.clear();
    },
    ended() {
      state = undefined;
      putUntil = undefined;
      failing = undefined;
      told = false;
    },
    stuck() {
      if (state === undefined) return [];
      const problems: string[] = [];
      if (putUntil !== undefined && now() > putUntil) problems.push('a put to the stream does not end');
      if (state.channel.isFull()) {
        // Nobody reads as long as there is no room. Afterwards each watch has its time again.
        for (const resource of aliveUntil.keys()) aliveUntil.set(resource, now() + stuckAfter);
      }
      for (const [resource, until] of aliveUntil) {
        if (now() > until) problems.push(`the watch of ${resource} is silent`);
      }
      return problems;
    },
    notReady() {
      const problems: string[] = [];
      if (failing !== undefined && now() - failing.since >= notShippingAfter)
        problems.push(
          `nothing could be shipped for ${seconds(failing.since)} s: ${explainTrouble(failing.reason)}`,
        );
      if (noLease)
        problems.push('the Lease cannot be had: a right is missing, or the API server does not answer');
      // Without another kind traces say less; without Events there are none.
      if (state !== undefined && refused.has(resourceName(events)))
        problems.push('Events may not be watched: a right is missing');
      return problems;
    },
    failing: () => failing && { reason: failing.reason, seconds: seconds(failing.since) },
  };
}
