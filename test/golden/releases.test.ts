/** Recordings as several clusters would have made them, one after the other: what goes beyond one cluster. */
import { describe, expect, it } from 'vitest';
import { explainClusters } from '../../infra/local/explain.ts';
import { renderTree } from '../../infra/local/view/render-tree.ts';
import { inCluster, type OtherCluster } from '../other-clusters.ts';
import { readRecording } from '../read-recordings.ts';

type Story = readonly (OtherCluster & { file: string })[];

const stories: Readonly<Record<string, Story>> = {
  'two clusters take the same images': [
    { file: 'deployment-image-update.jsonl', name: 'eu-1' },
    { file: 'deployment-image-update.jsonl', name: 'us-1', minutes: 3 },
  ],
  'a release to five clusters, and in one its image is not there': [
    { file: 'deployment-image-update.jsonl', name: 'eu-1', release: 'shop-42' },
    { file: 'deployment-image-update.jsonl', name: 'eu-2', minutes: 1, release: 'shop-42' },
    { file: 'bad-image.jsonl', name: 'eu-3', minutes: 2, release: 'shop-42' },
    { file: 'deployment-image-update.jsonl', name: 'us-1', minutes: 30, release: 'shop-42' },
    { file: 'deployment-image-update.jsonl', name: 'us-2', minutes: 31, release: 'shop-42' },
  ],
};

describe('golden releases', () => {
  it.each(Object.entries(stories))('%s', async (name, story) => {
    const clusters = await Promise.all(
      story.map(async ({ file, ...other }) => inCluster(await readRecording(file), other)),
    );
    const spans = explainClusters(clusters);
    const releases = new Set(spans.flatMap((span) => (span.name === 'Release.Rollout' ? span.traceId : [])));
    const told = renderTree(
      spans.filter(({ traceId }) => releases.has(traceId)),
      { why: true },
    );
    await expect(told).toMatchFileSnapshot(`releases/${name.replace(/\W+/g, '-')}.txt`);
  });
});
