/**
 * What tests run on: Events and object snapshots of a real cluster (test/recordings/README.md), and Events as other people's
 * clusters and controllers write them (test/cases/README.md).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { listSources } from '../infra/local/input/list-sources.ts';
import { type ClusterObservations, readClusters } from '../infra/local/read-clusters.ts';
import { readObservations } from '../infra/local/read-recording.ts';
import type { Observation } from '../shared/observation.ts';

const filesIn = (directory: string): string[] =>
  readdirSync(join(import.meta.dirname, directory))
    .filter((file) => /\.(jsonl?|yaml)$/.test(file))
    .sort();

export const recordingFiles: readonly string[] = filesIn('recordings');
export const caseFiles: readonly string[] = filesIn('cases');

export const recordingPath = (file: string): string => join(import.meta.dirname, 'recordings', file);
const casePath = (file: string): string => join(import.meta.dirname, 'cases', file);

export const readRecording = (file: string): Promise<Observation[]> =>
  Array.fromAsync(readObservations([recordingPath(file)], { baseDirectory: '.' }));

export async function readCase(file: string): Promise<Observation[]> {
  const clusters = await clustersIn(casePath(file));
  return clusters.flatMap(({ observations }) => observations);
}

/** All of them, each to be read when it is its turn. */
export const recorded: readonly { file: string; read(): Promise<Observation[]> }[] = [
  ...recordingFiles.map((file) => ({ file, read: () => readRecording(file) })),
  ...caseFiles.map((file) => ({ file, read: () => readCase(file) })),
];

async function clustersIn(path: string): Promise<ClusterObservations[]> {
  return readClusters(await listSources([path], { baseDirectory: '.' }), () => {});
}
