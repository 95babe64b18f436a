/** A cluster's forwarder: each observation at the time that the recording says it came, through the forwarder's own batches. */
import {
  createLineChannel,
  defaultBatchLimits,
  type Line,
} from '../../../functions/forwarder/batch-lines.ts';
import type { RecordSink } from '../../../functions/forwarder/record-sink.ts';
import { shipLines } from '../../../functions/forwarder/ship-lines.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { ClusterObservations } from '../read-clusters.ts';
import type { World } from './function.ts';
import { latencies } from './prices.ts';
import type { Stream } from './stream.ts';

/** Milliseconds since 1970. */
export const arrivalOf = ({ observedAt }: Observation): number => Date.parse(observedAt);

export async function shipObservations(
  { time, faults }: World,
  { cluster, observations }: ClusterObservations,
  stream: Stream,
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
  const shipped = shipLines(channel, cluster, sink, { onShipped() {} });
  const lines = observations
    .map((observation): Line => {
      const at = arrivalOf(observation);
      return { ...toLine(observation), at: faults.deafUntil(sourceOf(observation), at) ?? at };
    })
    .sort((a, b) => a.at - b.at);
  for (const [index, line] of lines.entries()) {
    if (line.at > time.now()) {
      const again = faults.shipsAgain();
      if (again > 0) await pushAll(lines.slice(0, index).filter(({ at }) => at > time.now() - again));
      await time.sleep(line.at - time.now());
    }
    await channel.push(line);
  }
  channel.close();
  await shipped;

  async function pushAll(some: readonly Line[]) {
    for (const line of some) await channel.push(line);
  }
}

/** A controller may be slow to write its Events; snapshots come by a watch of their kind. */
const sourceOf = (observation: Observation): string =>
  observation.type === 'event'
    ? `Events of ${observation.event.reporter.component}`
    : observation.object.kind;

const toLine = (observation: Observation): Omit<Line, 'at'> => ({
  type: observation.type,
  text: JSON.stringify(observation),
  done() {},
});
