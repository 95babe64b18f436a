/**
 * What the pipeline promises where its functions run at the same time, come twice and late, stand still, are turned down or die at
 * any call, and its parts are away: nothing is lost, nothing is told twice in two ways, no span has its parent in another trace.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../infra/local/simulate/simulate.ts';
import type { Observation } from '../../../shared/observation.ts';
import { checkProperty } from '../../check-property.ts';
import { expectSound, failuresOf, seeds } from '../../infra/local/simulate/seeds.ts';
import { stories } from './causality/arbitrary-stories.ts';
import { cluster, smallStories } from './small-stories.ts';

const clusters = (observations: readonly Observation[]) => [{ cluster, observations: [...observations] }];

describe('whatever AWS does', () => {
  const runs: Record<keyof typeof smallStories, number> = {
    'a rollout': 100,
    'two rollouts and a pod of nobody': 60,
    'a loud pod whose owners turn up': 60,
    'a crash loop whose owners turn up hours later': 6,
    'a crash loop, and the next day': 3,
  };
  it.each(Object.entries(smallStories))('%s', (name, observations) =>
    checkProperty(
      fc.asyncProperty(seeds, (seed) => expectSound(clusters(observations), seed)),
      runs[name as keyof typeof smallStories],
    ),
  );

  it('stories that nobody recorded', () =>
    checkProperty(
      fc.asyncProperty(fc.noShrink(stories), seeds, (observations, seed) =>
        expectSound(clusters(observations), seed),
      ),
      40,
    ));
});

describe('on a calm day', () => {
  it.each(Object.entries(smallStories))('%s: each span once', async (_, observations) => {
    const simulated = await simulate(clusters(observations), { seed: 1, faults: 'none' });
    expect(failuresOf(simulated)).toEqual([]);
    expect(simulated.verdict.repeated).toBe(0);
  });
});
