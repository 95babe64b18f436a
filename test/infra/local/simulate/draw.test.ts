import { expect, it } from 'vitest';
import { createDraw } from '../../../../infra/local/simulate/draw.ts';

const some = (seed: string) => {
  const draw = createDraw(seed);
  return Array.from({ length: 5 }, () => draw.between(0, 1_000_000));
};

it('draws the same by the same seed, and else not', () => {
  expect(some('7')).toEqual(some('7'));
  expect(some('7')).not.toEqual(some('8'));
});

it('draws in a fork whatever is drawn beside it', () => {
  const [one, other] = [createDraw('7'), createDraw('7')];
  one.unit();
  expect(one.fork('calls').unit()).toBe(other.fork('calls').unit());
});

it('spreads over orders of magnitude, and stays within bounds', () => {
  const draw = createDraw('7');
  const drawn = Array.from({ length: 1000 }, () => draw.spread(1, 1_000_000));
  expect(drawn.every((number) => number >= 1 && number <= 1_000_000)).toBe(true);
  const small = drawn.filter((number) => number < 1000).length;
  expect(small).toBeGreaterThan(400);
  expect(small).toBeLessThan(600);
});
