import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packBody, unpackBody } from '../../../functions/correlator/pack-body.ts';
import { checkProperty } from '../../check-property.ts';
import { rollout } from './causality/cluster-story.ts';

it('gives back whatever JSON holds', () => {
  checkProperty(
    fc.property(fc.jsonValue(), (value) => {
      expect(unpackBody(packBody(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('makes a kilobyte of what a batch tells of a rollout', () => {
  const chunk = { cluster: { uid: 'c1' }, observations: rollout(0).observations };
  expect(JSON.stringify(chunk).length).toBeGreaterThan(2000);
  expect(packBody(chunk).length).toBeLessThan(700);
});

it('does not read what a newer function wrote', () => {
  expect(() => unpackBody(Uint8Array.of(9, 1, 2))).toThrow('version 9');
});
