/** The recordings that tests run on: Events and object snapshots of a real cluster (test/recordings/README.md). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readObservations } from '../infra/local/read-recording.ts';
import type { Observation } from '../shared/observation.ts';

const directory = join(import.meta.dirname, 'recordings');

export const recordingFiles: readonly string[] = readdirSync(directory)
  .filter((file) => /\.(jsonl|yaml)$/.test(file))
  .sort();

export const recordingPath = (file: string): string => join(directory, file);

export const readRecording = (file: string): Promise<Observation[]> =>
  Array.fromAsync(readObservations([recordingPath(file)], { baseDirectory: '.' }));
