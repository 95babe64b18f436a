/** What a real cluster said of one application, as if it had said it of many: with as many snapshots to an Event as there really are. */
import { hash } from 'node:crypto';
import type { Observation } from '../../../shared/observation.ts';
import { readRecording } from '../../read-recordings.ts';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

export interface Repeated {
  file: string;
  /** Of the application that it is about, which its pods' names begin with. */
  name: string;
  events: number;
  /** Events a second. */
  rate: number;
}

/** In the order of arrival. */
export async function repeatRecording({ file, name, events, rate }: Repeated): Promise<Observation[]> {
  const told = await readRecording(file);
  const first = Math.min(...told.map(({ observedAt }) => Date.parse(observedAt)));
  // What was there before anybody did anything.
  const story = told.filter((one) => one.type === 'event' || one.from === undefined);
  const own = story.filter(({ type }) => type === 'event').length;
  const copies = Array.from({ length: Math.ceil(events / own) }, (_, i) =>
    story.map((observation) => copyOf(observation, i)),
  );
  return copies.flat().sort((a, b) => (a.observedAt < b.observedAt ? -1 : 1));

  function copyOf(observation: Observation, i: number): Observation {
    const later = Math.round((i * own * 1000) / rate) - first;
    const text = JSON.stringify(observation)
      .replace(uuid, (id) => uuidOf(`${id} ${i}`))
      .replaceAll(new RegExp(`\\b${name}(?=["-])`, 'g'), `${name}${i}`)
      .replace(time, (at) => {
        const moved = new Date(Date.parse(at) + later + base).toISOString();
        return at.includes('.') ? moved : `${moved.slice(0, 19)}Z`;
      });
    return JSON.parse(text);
  }
}

const base = Date.parse('2026-01-01T00:00:00Z');

const uuidOf = (text: string): string =>
  hash('sha256', text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
