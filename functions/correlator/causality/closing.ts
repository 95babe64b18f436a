/**
 * When a trace closes if nothing more is heard of it: its story is over, or so much time has passed that whatever comes is
 * another trace. From then on all of its spans can be sent; what comes nevertheless is a late span.
 */
import type { Change } from './change.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { World } from './placement/world.ts';
import { arrivalOf, type Recovery, recoveryOf } from './recovery.ts';
import { MINUTE, max, min, SECOND } from './time.ts';
import type { TimedTrace } from './time-spans.ts';
import { recentGap } from './trace.ts';

/**
 * Without a word from when what an episode disturbed is well again. Shorter: a container that crashes half a minute after it was
 * ready, or a drain that waits for a disruption budget, closes between its rounds, and its root ends too early. Longer: with the
 * time that it takes to get quiet it nears the two minutes after which an episode is to be there.
 */
const steady = 60n * SECOND;

/**
 * Without a word of an episode that disturbed nothing. Shorter: what a controller says once a minute (a horizontal autoscaler
 * that gets no metrics) closes after each word. Longer: what is over at once is shown later than it has to be.
 */
const undisturbed = 2n * MINUTE;

/**
 * Nanoseconds since 1970.
 * @param now of what is over already, whatever a clock that is ahead wrote
 */
export function closingTime(timed: TimedTrace, world: World, now: bigint): bigint {
  const { root } = timed.trace;
  const last = lastWord(timed);
  const { wait, since = last } =
    root.kind === 'change' ? waitOfChange(root.change, timed, world) : waitOfEpisode(timed, world);
  const timeout = last + recentGap + 1n;
  if (wait === undefined) return timeout;
  return min(max(last, since) + wait, wait === 0n ? now : timeout);
}

function lastWord({ occurrences, root }: TimedTrace): bigint {
  let last = root.end;
  for (const { latest } of occurrences) if (latest > last) last = latest;
  return last;
}

interface Wait {
  /** Nanoseconds of quiet; undefined where more is to come. */
  wait: bigint | undefined;
  /** When what it touched was settled; undefined where it touched nothing. */
  since?: bigint | undefined;
}

const moreToCome: Wait = { wait: undefined };

/** Settle waits for quiet anyway: a change that is over has no wait of its own. */
function waitOfChange({ outcome }: Change, timed: TimedTrace, world: World): Wait {
  if (!outcome.isFinal) return moreToCome;
  if (outcome.verdict === 'complete' || outcome.verdict === 'failed') return { wait: 0n };
  const made = touchedBy(timed, world).filter(({ kind }) => kind === 'Pod');
  return waitFor(made.map(arrivalOf), 0n);
}

function waitOfEpisode(timed: TimedTrace, world: World): Wait {
  const said = Map.groupBy(timed.occurrences, (occurrence) => world.subjectOf(occurrence));
  const found = touchedBy(timed, world).map((object) => recoveryOf(object, said.get(object) ?? []));
  return waitFor(found, found.some(({ state }) => state === 'settled') ? steady : undisturbed);
}

function waitFor(found: readonly Recovery[], wait: bigint): Wait {
  let since: bigint | undefined;
  for (const one of found) {
    if (one.state === 'on its way') return moreToCome;
    if (one.state === 'settled') since = max(since ?? one.since, one.since);
  }
  return { wait, since };
}

/** What its occurrences are about, and what they made or removed. */
function touchedBy({ occurrences }: TimedTrace, world: World): KubernetesObject[] {
  const touched = new Set<KubernetesObject>();
  for (const occurrence of occurrences) {
    touched.add(world.subjectOf(occurrence));
    const driver = world.driverOf(occurrence);
    if (driver?.target !== undefined && (driver.effect === 'creates' || driver.effect === 'removes'))
      touched.add(driver.target);
  }
  return [...touched];
}
