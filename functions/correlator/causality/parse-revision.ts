/** What GitOps tools write for what they sync: the one place that reads their forms. */

/** What an Event or a status says of what is synced. */
export interface Revision {
  /** A branch or a tag. */
  name: string | undefined;
  /** A commit, a digest, or a version. */
  revision: string;
}

/**
 * - Flux since 0.36: `main@sha1:5d4f…`, `v1.2.3@sha1:5d4f…`, `latest@sha256:2a1b…`, `refs/heads/main@sha1:…`, `sha1:…`, `sha256:…`
 * - Flux before: `main/5d4f…`, `HEAD/5d4f…`
 * - a chart's version, a tag: `6.5.4`, `6.5.4+2a1b`, `v1.2.3`
 * - Argo CD: a commit, or a version
 *
 * Sources: fluxcd/pkg apis/meta (revision format), https://github.com/fluxcd/flux2/tree/main/rfcs/0005-artifact-revision-and-digest.
 */
export function parseRevision(text: string): Revision | undefined {
  const named = withName.exec(text) ?? beforeFlux036.exec(text);
  const [, name, revision] = named ?? [undefined, undefined, alone.exec(text)?.[1]];
  return revision === undefined ? undefined : { name: refName(name), revision };
}

const withName = /^(.+)@(?:sha\d+:)?([^@:/\s]+)$/;
const beforeFlux036 = /^(.+)\/([0-9a-f]{40}|[0-9a-f]{64})$/;
const alone = /^(?:sha\d+:)?([^@:\s]+)$/;

/** A full name of Git's is told as one writes it; HEAD is none. */
export function refName(ref: string | undefined): string | undefined {
  const name = ref?.replace(/^refs\/(?:heads|tags)\//, '');
  return name === 'HEAD' || name === '' ? undefined : name;
}

/** A commit, as a branch or a tag leads to one: no version. */
export const isCommit = ({ revision }: Revision): boolean => /^[0-9a-f]{7,64}$/.test(revision);
