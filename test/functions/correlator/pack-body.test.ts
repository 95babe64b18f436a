import { hash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bodyDictionary } from '../../../functions/correlator/body-dictionary.ts';
import { laterBodyDictionary } from '../../../functions/correlator/body-dictionary-2.ts';
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
  expect(packBody(chunk).length).toBeLessThan(600);
});

it('reads what the version before wrote', () => {
  const chunk = { cluster: { uid: 'c1' }, observations: rollout(0).observations };
  const packed = deflateRawSync(JSON.stringify(chunk), { dictionary: Buffer.from(bodyDictionary) });
  expect(unpackBody(Buffer.concat([Uint8Array.of(1), packed]))).toEqual(JSON.parse(JSON.stringify(chunk)));
});

it('never changes a dictionary: whatever was packed with it would be unreadable', () => {
  const digests = [bodyDictionary, laterBodyDictionary].map((text) => hash('sha256', text).slice(0, 16));
  expect(digests).toEqual(['44641dc08dc29edc', '2f619e9e2be90a0f']);
});

it('gives back what is too long to be packed thoroughly', () => {
  const spans = Array.from({ length: 2_000 }, (_, i) => ({ spanId: hash('sha256', `${i}`).slice(0, 16) }));
  expect(unpackBody(packBody(spans))).toEqual(spans);
});

it('does not read what a newer function wrote', () => {
  expect(() => unpackBody(Uint8Array.of(9, 1, 2))).toThrow('version 9');
});
