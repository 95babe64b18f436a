import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import { clusterOf, readObservations } from '../../../infra/local/read-recording.ts';
import type { Observation } from '../../../shared/observation.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { atTheEnd, rollout } from './causality/cluster-story.ts';
import { cluster, received, recordsOf, startPipeline } from './pipeline.ts';

const recordings = fileURLToPath(new URL('../../recordings', import.meta.url));

const wholeStory = (observations: readonly Observation[], of = cluster): Span[] =>
  assemble({ cluster: of, observations, now: atTheEnd })
    .map(({ span }) => span)
    .sort(compareSpans);

describe('the pipeline', () => {
  it('sends the spans of a rollout once it is quiet', async () => {
    const { observations } = rollout(0);
    const pipeline = startPipeline();
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    expect(received(pipeline)).toEqual(wholeStory(observations));
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
  });

  describe('comes to what assembly makes of everything at once', () => {
    for (const file of readdirSync(recordings)
      .filter((name) => !name.endsWith('.md'))
      .sort()) {
      it(file, async () => {
        const observations = await Array.fromAsync(readObservations([file], { baseDirectory: recordings }));
        const of = clusterOf(observations);
        const pipeline = startPipeline();
        const groups = [];
        for (let at = 0; at < observations.length; at += 7) groups.push(observations.slice(at, at + 7));
        await pipeline.ingest(recordsOf(groups, { of }));
        await pipeline.runTimers();
        expect(received(pipeline)).toEqual(wholeStory(observations, of));
      });
    }
  });
});
