/**
 * A calm day in virtual time, without a pipeline: each observation comes when it was observed, what is final is sent as soon as
 * its root has been quiet for the settle time, and what is open when it said that it would be final.
 */
import { assemble, type SentSpan } from '../../../../functions/correlator/causality/assemble.ts';
import { clusterOf } from '../../../../infra/local/read-recording.ts';
import type { Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';

const quiet = 20_000_000_000n;

export interface SentAt {
  span: Span;
  /** Nanoseconds since 1970. */
  at: bigint;
}

interface Due {
  heard: bigint;
  /** Undefined where nothing of it is open. */
  at: bigint | undefined;
}

const nanos = ({ observedAt }: Observation): bigint => BigInt(Date.parse(observedAt)) * 1_000_000n;

export function playCalmly(observations: readonly Observation[]): SentAt[] {
  const arrivals = observations
    .map((observation) => ({ observation, at: nanos(observation) }))
    .sort((a, b) => Number(a.at - b.at));
  const rootOf = findRoots(observations);
  const cluster = clusterOf(observations);
  const seen: Observation[] = [];
  const sent = new Map<string, SentSpan>();
  const out: SentAt[] = [];
  const roots = new Map<string, Due>();

  const settle = (now: bigint) => {
    for (const due of roots.values()) if (due.at !== undefined && due.at <= now) due.at = undefined;
    for (const { span, key, final, finalAt } of assemble({ cluster, observations: seen, sent, now })) {
      if (sent.has(span.spanId)) continue;
      if (final !== finalAt <= now)
        throw new Error(`${span.name} is final: ${final}, but from ${finalAt} on`);
      const due = roots.get(rootOf(key))!;
      const from = due.heard + quiet > finalAt ? due.heard + quiet : finalAt;
      if (from > now) {
        if (due.at === undefined || from < due.at) due.at = from;
        continue;
      }
      out.push({ span, at: now });
    }
    for (const { span } of out) sent.set(span.spanId, span);
  };

  for (let next = 0; ; ) {
    const dues = [...roots.values()].flatMap(({ at }) => at ?? []);
    const first = dues.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
    const arrival = arrivals[next];
    if (arrival === undefined && first === undefined) return out;
    if (arrival !== undefined && (first === undefined || arrival.at <= first)) {
      next++;
      seen.push(arrival.observation);
      roots.set(rootOf(keyOf(arrival.observation)), { heard: arrival.at, at: arrival.at + quiet });
    } else settle(first!);
  }
}

const keyOf = (observation: Observation): string =>
  observation.type === 'object'
    ? observation.object.uid
    : `${observation.event.uid}/${observation.event.count}`;

/** By the key of a span the object at the top of its owners. */
function findRoots(observations: readonly Observation[]): (key: string) => string {
  const above = new Map<string, string>();
  for (const observation of observations) {
    if (observation.type === 'event') {
      const { uid, kind, name, namespace = '' } = observation.event.subject;
      for (const count of [1, observation.event.count])
        above.set(`${observation.event.uid}/${count}`, uid ?? `${kind} ${namespace} ${name}`);
    } else if (observation.object.owner !== undefined) {
      above.set(observation.object.uid, observation.object.owner.uid);
    }
  }
  return (key) => {
    const passed = new Set<string>();
    let at = key;
    for (let next = above.get(at); next !== undefined && !passed.has(next); next = above.get(at)) {
      passed.add(next);
      at = next;
    }
    return at;
  };
}
