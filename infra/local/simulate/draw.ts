/**
 * Chance that a seed decides: the same seed draws the same. Each part of a run draws from a fork of its own, so that one more
 * draw in one part changes nothing in another.
 */
import { hash } from 'node:crypto';

export interface Draw {
  /** From 0 to below 1. */
  unit(): number;
  /** A whole number, both included. */
  between(least: number, most: number): number;
  /** As `between`, each order of magnitude as likely as the next. */
  spread(least: number, most: number): number;
  chance(probability: number): boolean;
  fork(name: string): Draw;
}

export function createDraw(seed: string): Draw {
  const next = sfc32(seed);
  const unit = () => next() / 2 ** 32;
  return {
    unit,
    between: (least, most) => least + Math.floor(unit() * (most - least + 1)),
    spread: (least, most) => Math.round(least * (most / least) ** unit()),
    chance: (probability) => unit() < probability,
    fork: (name) => createDraw(`${seed}/${name}`),
  };
}

/** Chris Doty-Humphrey's Small Fast Counter: 128 bits of state, 32 of output. */
function sfc32(seed: string): () => number {
  const bytes = hash('sha256', seed, 'buffer');
  let [a, b, c, counter] = [0, 4, 8, 12].map((at) => bytes.readInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
}
