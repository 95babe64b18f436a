/** What a command reads: recordings, and rules of the user's own. */
import { resolve } from 'node:path';
import type { EventRow } from '../../functions/correlator/causality/rules/event-row.ts';
import { listSources } from './input/list-sources.ts';
import { type ClusterObservations, readClusters } from './read-clusters.ts';
import type { CommandContext } from './run-command.ts';

export async function readInput(
  { workingDirectory, say, progress }: CommandContext,
  { files, rules }: { files: readonly string[]; rules?: string | undefined },
): Promise<{ clusters: ClusterObservations[]; userRows: readonly EventRow[] }> {
  const userRows = rules === undefined ? [] : await readUserRows(rules, workingDirectory);
  const sources = await listSources(files, { baseDirectory: workingDirectory });
  const notes: string[] = [];
  const clusters = await readClusters(
    sources,
    (note) => notes.push(note),
    (count) => progress.show('reading', countObservations(count)),
  );
  progress.end();
  // Only now: where a file is wrong, that is the one line.
  for (const note of notes) say(`rootspan: ${note}\n`);
  return { clusters, userRows };
}

export const countObservations = (count: number): string =>
  `${count.toLocaleString('en')} ${count === 1 ? 'observation' : 'observations'}`;

/** Loaded where it is asked for: most recordings are explained without. */
async function readUserRows(file: string, workingDirectory: string): Promise<EventRow[]> {
  const { readRulesFile } = await import('../../functions/correlator/read-rules-file.ts');
  return readRulesFile(resolve(workingDirectory, file), file);
}
