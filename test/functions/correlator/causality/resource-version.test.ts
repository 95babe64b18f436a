/** KEP-5504: resourceVersions are decimal integers of any size, and what is none says nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  parseVersion,
  unknownVersion,
  versionInHand,
} from '../../../../functions/correlator/causality/resource-version.ts';
import { compare } from '../../../../functions/correlator/causality/time.ts';
import { checkProperty } from '../../../check-property.ts';

it('two that differ in the last of forty digits are in order', () => {
  checkProperty(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 40n }), (version) => {
      const [one, next] = [String(version), String(version + 1n)];
      expect(compare(parseVersion(one), parseVersion(next))).toBe(-1);
      const versions = [{ version }, { version: version + 1n }];
      expect(versionInHand(versions, one)).toBe(versions[0]);
      expect(versionInHand(versions, next)).toBe(versions[1]);
    }),
  );
});

it.each([undefined, '', 'opaque', '0x10', '1e3', '-5', '1.5', '12 '])('%j says nothing', (text) => {
  expect(parseVersion(text)).toBe(unknownVersion);
  expect(versionInHand([{ version: 1n }], text)).toBeUndefined();
});
