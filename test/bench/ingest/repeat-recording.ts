/** What a real cluster said of one application, as if it had said it of many: with as many snapshots to an Event as there really are. */
import { hash } from 'node:crypto';
import type { Observation } from '../../../shared/observation.ts';
import { readRecording } from '../../read-recordings.ts';
import { start } from '../workloads/observe-cluster.ts';

/** An application of three pods is made, and gets another image. */
const file = 'deployment-image-update.jsonl';
/** Its name, with which those of its pods begin. */
const application = /\bweb(?=["-])/g;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

export interface Repeated {
  /** Events a second, on average. */
  rate: number;
  seconds: number;
}

/** In the order of arrival: some of it began before, some goes on behind. */
export async function repeatRecording({ rate, seconds }: Repeated): Promise<Observation[]> {
  const all = await readRecording(file);
  // Not what was there before anybody did anything.
  const told = all.filter((one) => one.type === 'event' || one.from === undefined);
  const arrivals = told.map(({ observedAt }) => Date.parse(observedAt));
  const [first, last] = [Math.min(...arrivals), Math.max(...arrivals)];
  /** Milliseconds between two applications. */
  const pause = (told.filter(({ type }) => type === 'event').length * 1000) / rate;
  const repeated: { at: number; observation: Observation }[] = [];
  for (let i = -Math.floor((last - first) / pause); i * pause < seconds * 1000; i += 1)
    for (const [index, observation] of told.entries()) {
      const at = Math.round(i * pause) + arrivals[index]! - first;
      if (at >= 0 && at < seconds * 1000)
        repeated.push({ at, observation: copyOf(observation, i, start + Math.round(i * pause) - first) });
    }
  return repeated.sort((a, b) => a.at - b.at).map(({ observation }) => observation);
}

/** @param later milliseconds */
function copyOf(observation: Observation, i: number, later: number): Observation {
  const text = JSON.stringify(observation)
    .replace(uuid, (id) => uuidOf(`${id} ${i}`))
    .replace(application, `web${i < 0 ? `b${-i}` : i}`)
    .replace(time, (at) => {
      const moved = new Date(Date.parse(at) + later).toISOString();
      return at.includes('.') ? moved : `${moved.slice(0, 19)}Z`;
    });
  return JSON.parse(text);
}

const uuidOf = (text: string): string =>
  hash('sha256', text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
