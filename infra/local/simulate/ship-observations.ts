/** A cluster's forwarder: each observation at the time that the recording says it came, through the forwarder's own batches. */
import {
  createLineChannel,
  defaultBatchLimits,
  type Line,
} from '../../../functions/forwarder/batch-lines.ts';
import { rootOf, rootOfReference } from '../../../functions/forwarder/find-partition.ts';
import type { RecordSink } from '../../../functions/forwarder/record-sink.ts';
import { shipLines } from '../../../functions/forwarder/ship-lines.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { ClusterObservations } from '../read-clusters.ts';
import type { World } from './function.ts';
import { latencies } from './prices.ts';
import type { Stream } from './stream.ts';

/** Milliseconds since 1970. */
export const arrivalOf = ({ observedAt }: Observation): number => Date.parse(observedAt);

/** Its text is made when it goes: of a large recording all texts at once would be as much again. */
interface Arrival {
  observation: Observation;
  /** Milliseconds since 1970. */
  at: number;
}

export async function shipObservations(
  { time, faults }: World,
  { cluster, observations }: ClusterObservations,
  stream: Stream,
  partitions: number,
): Promise<void> {
  const channel = createLineChannel(defaultBatchLimits, time.sleep);
  const sink: RecordSink = {
    async put(records) {
      for (;;) {
        await time.sleep(latencies.stream);
        const away = faults.awayUntil('stream', time.now());
        if (away === undefined) break;
        await time.sleep(away - time.now());
      }
      stream.put(records);
      return [];
    },
  };
  const shipped = shipLines(channel, cluster, sink, { onShipped() {}, partitions });
  const rootOf = rootsOf(observations);
  const arrivals = observations
    .map((observation): Arrival => {
      const at = arrivalOf(observation);
      return { observation, at: faults.deafUntil(sourceOf(observation), at) ?? at };
    })
    .sort((a, b) => a.at - b.at);
  const push = ({ observation, at }: Arrival) =>
    channel.push({ ...toLine(observation), root: rootOf(observation), at });
  for (const [index, arrival] of arrivals.entries()) {
    if (arrival.at > time.now()) {
      const again = faults.shipsAgain();
      if (again > 0) await pushAll(arrivals.slice(0, index).filter(({ at }) => at > time.now() - again));
      await time.sleep(arrival.at - time.now());
    }
    await push(arrival);
  }
  channel.close();
  await shipped;

  async function pushAll(some: readonly Arrival[]) {
    for (const arrival of some) await push(arrival);
  }
}

/** A controller may be slow to write its Events; snapshots come by a watch of their kind. */
const sourceOf = (observation: Observation): string =>
  observation.type === 'event'
    ? `Events of ${observation.event.reporter.component}`
    : observation.object.kind;

/** By what the recording says of owners: the forwarder has listed the objects before it ships Events. */
function rootsOf(observations: readonly Observation[]): (observation: Observation) => string {
  const known = new Map<string, { uid: string; ownerUid: string | undefined }>();
  for (const observation of observations) {
    if (observation.type === 'event') continue;
    const { uid, owner } = observation.object;
    known.set(uid, { uid, ownerUid: owner?.uid ?? known.get(uid)?.ownerUid });
  }
  return (observation) => {
    const about = observation.type === 'event' ? observation.event.subject : observation.object;
    const own = known.get(about.uid ?? '');
    return own === undefined ? rootOfReference(about) : rootOf(own, (uid) => known.get(uid));
  };
}

const toLine = (observation: Observation): Omit<Line, 'at'> => ({
  type: observation.type,
  text: JSON.stringify(observation),
  done() {},
});
