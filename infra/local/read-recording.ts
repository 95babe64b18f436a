/**
 * Files to observations, each with what is told of its cluster: recordings (JSON lines), kspan's captures, what `kubectl
 * get … -o json|yaml` prints, what watches and collectors write; packed or not, in folders or by name.
 */
import { UserError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { decodeText } from './input/decode-text.ts';
import { knownInputs } from './input/known-inputs.ts';
import { listSources, type Source, type SourceOptions } from './input/list-sources.ts';
import type { Found } from './input/observe-document.ts';
import { observeFile } from './input/observe-file.ts';
import { unpackBytes } from './input/unpack-bytes.ts';

export interface FoundIn extends Found {
  source: Source;
}

/**
 * All that the sources say, one after the other. What makes no sense is an error in a file that the user named; in a folder
 * it is passed over, and told in a line (`say`).
 * @throws UserError `FILE:LINE: what is wrong; what to do`
 */
export async function* readSources(
  sources: readonly Source[],
  say: (line: string) => void = () => {},
): AsyncGenerator<FoundIn> {
  const skipped = new Map<string, { files: number; of: number }>();
  for (const source of sources) {
    const { directory } = source;
    if (directory === undefined) {
      yield* readSource(source);
      continue;
    }
    const count = skipped.get(directory) ?? { files: 0, of: 0 };
    skipped.set(directory, count);
    count.of++;
    let found = 0;
    try {
      for await (const each of readSource(source)) {
        found++;
        yield each;
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (found === 0) count.files++;
      else say(`${error.message} (what stands before that is read, the rest of the file is not)`);
    }
  }
  for (const [directory, { files, of }] of skipped) {
    if (files === of)
      throw new UserError(`${directory}: nothing of Kubernetes in its ${of} files; ${knownInputs}`);
    if (files > 0) say(`${directory}: ${files} of ${of} files skipped, for they hold nothing of Kubernetes`);
  }
}

async function* readSource(source: Source): AsyncGenerator<FoundIn> {
  const { name, directory, bytes } = source;
  const text = decodeText(name, unpackBytes(name, bytes()));
  for await (const found of observeFile(name, text, { isNamed: directory === undefined })) {
    yield { ...found, source };
  }
}

/** Of files that are all of one cluster. */
export async function* readObservations(
  paths: readonly string[],
  options: SourceOptions,
): AsyncGenerator<Observation> {
  for await (const { observation } of readSources(await listSources(paths, options))) yield observation;
}

/** The UID of namespace kube-system is the cluster's, where a snapshot shows it, and not two. */
export function clusterOf(observations: Iterable<Observation>): Cluster {
  const uids = new Set<string>();
  for (const observation of observations) {
    if (observation.type !== 'object') continue;
    const { kind, name, uid } = observation.object;
    if (kind === 'Namespace' && name === 'kube-system') uids.add(uid);
  }
  const [uid] = uids;
  return uids.size === 1 && uid !== undefined ? { uid } : {};
}
