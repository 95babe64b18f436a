/** Recordings of several clusters, or as several would have made them, one after the other: what goes beyond one cluster. */
import { describe, expect, it } from 'vitest';
import { explainClusters } from '../../infra/local/explain.ts';
import type { ClusterObservations } from '../../infra/local/read-clusters.ts';
import { clusterOf } from '../../infra/local/read-recording.ts';
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
  'two commits by Flux to five clusters, and one lacks an image': [
    { file: 'flux-release-eu.jsonl', name: 'eu-1' },
    { file: 'flux-release-eu.jsonl', name: 'eu-2', minutes: 1 },
    { file: 'flux-release-eu.jsonl', name: 'ap-1', minutes: 2 },
    { file: 'flux-release-us.jsonl', name: 'us-1', minutes: 2 },
    { file: 'flux-release-eu.jsonl', name: 'us-2', minutes: 40 },
  ],
};

/** As `explain` tells of its releases, and nothing else. */
function releasesOf(clusters: readonly ClusterObservations[]): string {
  const spans = explainClusters(clusters);
  const releases = new Set(spans.flatMap((span) => (span.name === 'Release.Rollout' ? span.traceId : [])));
  return renderTree(
    spans.filter(({ traceId }) => releases.has(traceId)),
    { why: true },
  );
}

const played = (story: Story) =>
  Promise.all(story.map(async ({ file, ...other }) => inCluster(await readRecording(file), other)));

describe('golden releases', () => {
  it.each(Object.entries(stories))('%s', async (name, story) => {
    const told = releasesOf(await played(story));
    await expect(told).toMatchFileSnapshot(`releases/${name.replace(/\W+/g, '-')}.txt`);
  });

  it('two commits by Flux to two real clusters, and one lacks an image', async () => {
    const recordings = ['flux-release-eu.jsonl', 'flux-release-us.jsonl'].map(readRecording);
    const clusters = (await Promise.all(recordings)).map((observations) => ({
      cluster: clusterOf(observations),
      observations,
    }));
    const told = releasesOf(clusters);
    await expect(told).toMatchFileSnapshot('releases/two-commits-by-Flux-to-two-real-clusters.txt');
  });
});
