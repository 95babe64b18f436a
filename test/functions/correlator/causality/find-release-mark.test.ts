import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../shared/observation.ts';
import { event, snapshot, spansOf, thing } from './cluster-story.ts';

/** A generation of a workload: its mark, its image, and where nobody but this one wrote annotations, what else they are. */
interface Wrote {
  release?: string;
  image?: string;
  note?: string;
}

/** Of each change that was made of it, a quarter of an hour after the other, by generation. */
function marksOf(kind: string, ...generations: readonly Wrote[]): Record<string, unknown> {
  const web = thing(kind, 'web');
  const story = generations.map(({ release, image = 'v1', note = '' }, i): Observation => {
    const isCounted = kind === 'Deployment' && (release !== undefined || note !== '');
    return snapshot(i * 900, web, {
      apiVersion: 'apps/v1',
      generation: i + 1,
      creationTimestamp: '2026-03-01T12:00:00Z',
      ...(release !== undefined && { annotations: { 'rootspan.dev/release': release } }),
      spec: {
        key: 'k',
        values: { 'spec.template.spec.containers[app].image': image },
        digests: isCounted ? { 'metadata.annotations': `${release} ${note}` } : {},
      },
    });
  });
  return Object.fromEntries(
    spansOf(...story).flatMap(({ attributes }) =>
      'rootspan.change.release' in attributes
        ? [[`generation ${attributes['k8s.object.generation']}`, attributes['rootspan.change.release']]]
        : [],
    ),
  );
}

describe('the mark of a release', () => {
  it('is the creation’s that wrote it, and the first one’s that anybody saw', () => {
    expect(marksOf('Deployment', { release: 'r1' })).toEqual({ 'generation 1': 'r1' });
    const web = thing('Deployment', 'web');
    const [first] = spansOf(
      snapshot(0, web, {
        generation: 7,
        annotations: { 'rootspan.dev/release': 'r7' },
        managers: [{ manager: 'helm', operation: 'Update', time: '2026-03-01T12:10:00Z' }],
        seen: 900,
      }),
      event(601, web, 'ScalingReplicaSet', 'Scaled up replica set web-7 from 0 to 1'),
    ).filter(({ attributes }) => attributes['k8s.object.generation'] === 7);
    expect(first!.attributes['rootspan.change.release']).toBe('r7');
  });

  it('is of the change that wrote it, not of those after it', () =>
    expect(
      marksOf(
        'Deployment',
        {},
        { release: 'r1', image: 'v2' },
        { release: 'r1', image: 'v3' },
        { image: 'v4' },
      ),
    ).toEqual({ 'generation 2': 'r1' }));

  it('is of the change again that brings it back', () =>
    expect(
      marksOf(
        'StatefulSet',
        { release: 'r1' },
        { release: 'r2', image: 'v2' },
        { release: 'r1' },
        { release: 'r1', image: 'v5' },
      ),
    ).toEqual({ 'generation 1': 'r1', 'generation 2': 'r2', 'generation 3': 'r1' }));

  it('is of the change for which somebody wrote it first, and not of the next', () =>
    expect(
      marksOf(
        'Deployment',
        { release: 'r1' },
        { release: 'r2' },
        { release: 'r2', note: 'change-cause' },
        { release: 'r2', note: 'change-cause', image: 'v2' },
        { release: 'r2', note: 'change-cause', image: 'v3' },
      ),
    ).toEqual({ 'generation 1': 'r1', 'generation 2': 'r2', 'generation 3': 'r2', 'generation 4': 'r2' }));

  it('is nobody’s where it is empty, and no deletion’s', () => {
    expect(marksOf('Deployment', { release: '' })).toEqual({});
    const web = thing('Deployment', 'web');
    const annotations = { 'rootspan.dev/release': 'r1' };
    const spans = spansOf(
      snapshot(0, web, { annotations }),
      snapshot(9, web, { annotations, creationTimestamp: '2026-03-01T12:00:00Z', deleted: true }),
    );
    expect(spans.map(({ name, attributes }) => [name, attributes['rootspan.change.release']])).toEqual([
      ['Deployment.Create', 'r1'],
      ['Deployment.Delete', undefined],
    ]);
  });
});
