import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter } from '../../../../functions/forwarder/kubernetes/split-lines.ts';
import { checkProperty } from '../../../check-property.ts';

describe('chunks to lines', () => {
  it('finds the same lines however the bytes are cut', () =>
    checkProperty(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
          { maxLength: 10 },
        ),
        fc.array(fc.nat(20), { maxLength: 40 }),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.join('\n'));
          const splitter = createLineSplitter(1_000);
          const told: string[] = [];
          let at = 0;
          for (const size of [...sizes, bytes.length]) {
            told.push(...splitter.split(bytes.subarray(at, at + size)));
            at += size;
          }
          told.push(splitter.rest());
          expect(told.filter((line) => line !== '')).toEqual(lines.filter((line) => line !== ''));
        },
      ),
    ));

  it('says when a line that has begun is too long, until it ends', () => {
    const splitter = createLineSplitter(5);
    expect([...splitter.split(Buffer.from('a\n12345'))]).toEqual(['a']);
    expect(splitter.isEndless()).toBe(false);
    expect([...splitter.split(Buffer.from('6'))]).toEqual([]);
    expect(splitter.isEndless()).toBe(true);
    expect([...splitter.split(Buffer.from('\n'))]).toEqual(['123456']);
    expect(splitter.isEndless()).toBe(false);
  });
});
