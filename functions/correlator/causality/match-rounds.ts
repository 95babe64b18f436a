/**
 * A container that the kubelet restarts: Unhealthy, Killing "will be restarted", its end, then its start. Each round hangs
 * together under the probe's failure that began it.
 */
import { type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import { isStarted } from './kubernetes-object.ts';
import type { Resolved } from './resolve-objects.ts';

/** The kubelet stops a container only to start it again (pkg/kubelet/kuberuntime): a round, not a tear-down. */
const restartMessage = /, will be restarted$|^FailedPostStartHook$/;

const isRestart = ({ event }: Occurrence): boolean =>
  event.reason === 'Killing' && restartMessage.test(event.message);

/** The probes whose failure makes the kubelet restart a container (pkg/kubelet/prober); a failed readiness probe does not. */
const failsIntoRestart = ({ event }: Occurrence): boolean =>
  event.reason === 'FailedPostStartHook' ||
  (event.reason === 'Unhealthy' && /^(?:Liveness|Startup) probe /.test(event.message));

/** What a container does on its way up: after a restart they belong to the restart's round. */
const containerStart: ReadonlySet<string> = new Set([
  'Terminated',
  'Pulling',
  'Pulled',
  'Created',
  'Started',
  'Failed',
  'BackOff',
]);

/** From each occurrence of a round to the one that it hangs under. */
export function matchRounds({ objects }: Resolved): OccurrenceTable<Occurrence> {
  const rounds = new OccurrenceTable<Occurrence>();
  for (const { occurrences, kind } of objects.values()) {
    if (kind !== 'Pod' || !occurrences.some(isRestart)) continue;
    const containers = Map.groupBy(
      occurrences.filter(({ event }) => event.subject.fieldPath !== undefined),
      ({ event }) => event.subject.fieldPath!,
    );
    for (const container of containers.values()) matchContainer(container, rounds);
  }
  return rounds;
}

function matchContainer(container: readonly Occurrence[], rounds: OccurrenceTable<Occurrence>): void {
  let probe: Occurrence | undefined;
  let restart: Occurrence | undefined;
  for (const occurrence of container) {
    if (isRestart(occurrence)) {
      if (probe !== undefined) rounds.set(occurrence, probe);
      restart = occurrence;
      probe = undefined;
    } else if (failsIntoRestart(occurrence)) {
      probe = occurrence;
      restart = undefined;
    } else if (restart !== undefined && containerStart.has(occurrence.event.reason)) {
      rounds.set(occurrence, restart);
      if (isStarted(occurrence)) restart = undefined;
    }
  }
}
