/**
 * `npm run bench`: what the core costs for an Event, from the bytes of Kinesis' records to spans. Each row is a process
 * of its own, so that its memory is its own too; the figures of one run compare, those of two machines do not.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assemble } from '../../functions/correlator/causality/assemble.ts';
import { decodeBatch, encodeBatches } from '../../shared/batch-codec.ts';
import type { Observation } from '../../shared/observation.ts';
import { type Arrival, arrivals, generateRollouts } from './generate-rollouts.ts';

/** Of one case. */
interface Figures {
  /** Microseconds for an Event: what JSON.parse alone takes for the same observations, which nothing can be faster than. */
  parse: number;
  decode: number;
  assemble: number;
  /** MB that the process took at most, its input and output included. */
  peak: number;
  spans: number;
}

const sizes = [1_000, 10_000, 100_000];
const rates = [3, 30, 300];
const pastEveryBound = 2n ** 64n;

function compareAll(): void {
  const head = [
    'arrival',
    'rollouts/s',
    'Events',
    'decode',
    'assemble',
    'µs/Event',
    'JSON.parse',
    'ratio',
    'peak MB',
  ];
  console.log(row(head));
  for (const arrival of arrivals) {
    for (const rate of rates) {
      for (const size of sizes) {
        const { parse, decode, assemble, peak } = measureApart(size, rate, arrival);
        console.log(
          row([
            arrival,
            String(rate),
            size.toLocaleString('en'),
            decode.toFixed(1),
            assemble.toFixed(1),
            (decode + assemble).toFixed(1),
            parse.toFixed(1),
            ((decode + assemble) / parse).toFixed(1),
            peak.toFixed(0),
          ]),
        );
      }
    }
  }
}

const row = ([first = '', ...rest]: readonly string[]): string =>
  first.padEnd(12) + rest.map((cell) => cell.padStart(11)).join('');

function measureApart(size: number, rate: number, arrival: Arrival): Figures {
  const script = fileURLToPath(import.meta.url);
  return JSON.parse(
    execFileSync(process.execPath, [script, String(size), String(rate), arrival], { encoding: 'utf8' }),
  );
}

/** Microseconds. */
function parseAlone(story: readonly Observation[]): number {
  const lines = story.map((observation) => JSON.stringify(observation));
  let best = Infinity;
  for (let spent = 0, runs = 0; spent < 300 || runs < 3; runs++) {
    const begun = performance.now();
    for (const line of lines) JSON.parse(line);
    const took = performance.now() - begun;
    spent += took;
    best = Math.min(best, took * 1000);
  }
  return best;
}

function measure(events: number, rate: number, arrival: Arrival): Figures {
  const story = generateRollouts({ events, rate, arrival });
  const { records } = encodeBatches({ name: 'bench' }, story);
  // A process that has just started measures its compiler: at least a second of work, and the fastest of the runs,
  // which is the one that nothing else disturbed.
  const best: Figures = {
    parse: Infinity,
    decode: Infinity,
    assemble: Infinity,
    peak: 0,
    spans: 0,
  };
  for (let spent = 0, runs = 0; spent < 1_000 || runs < 3; runs++) {
    const begun = performance.now();
    const observations = records.flatMap((record) => decodeBatch(record).observations);
    const decoded = performance.now();
    const spans = assemble({ cluster: { name: 'bench' }, observations, now: pastEveryBound });
    const done = performance.now();
    spent += done - begun;
    best.decode = Math.min(best.decode, ((decoded - begun) * 1000) / events);
    best.assemble = Math.min(best.assemble, ((done - decoded) * 1000) / events);
    best.spans = spans.length;
  }
  best.peak = process.resourceUsage().maxRSS / 1024;
  // Last: what it leaves behind is no burden of the others.
  best.parse = parseAlone(story) / events;
  return best;
}

const [events, rate, arrival] = process.argv.slice(2);
if (events === undefined) compareAll();
else console.log(JSON.stringify(measure(Number(events), Number(rate), arrival as Arrival)));
