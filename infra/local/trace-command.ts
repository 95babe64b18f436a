/** `rootspan trace KIND/NAME [FILE…]`: from a workload to its traces. */
import { UserError } from '../../shared/errors.ts';
import { nearWord } from '../../shared/near-word.ts';
import { fillTraceUrl } from '../../shared/trace-url.ts';
import { connectCluster, whyNotRead } from './connect-cluster.ts';
import { type Found, type FoundTrace, findTraces, type Wanted } from './find-traces.ts';
import { wordsOf } from './kind-names.ts';
import { lookAtCluster } from './look-at-cluster.ts';
import type { ClusterObservations } from './read-clusters.ts';
import { readInput } from './read-input.ts';
import { readOptions, seeHelp } from './read-options.ts';
import type { CommandContext } from './run-command.ts';
import { formatTime } from './view/describe-span.ts';
import { oneLine } from './view/fit-text.ts';

export async function traceCommand(context: CommandContext, args: string[]): Promise<void> {
  const { say, write } = context;
  const { values, positionals } = readOptions('trace', args, context);
  const { url, format = 'text', namespace, ...chosen } = values;
  const [written, ...files] = positionals;
  const wanted = readWanted(context, written, namespace);
  const found =
    files.length > 0
      ? findTraces((await readInput(context, { files })).clusters, wanted, { isOneLook: false })
      : await findInCluster(context, chosen, wanted);
  checkFound(found, wanted, written!);
  for (const owned of ownedOf(found)) say(`rootspan: ${owned}\n`);
  if (format === 'json')
    return write(
      `${JSON.stringify(
        found.traces.map((one) => toJson(one, url)),
        null,
        2,
      )}\n`,
    );
  if (found.traces.length === 0) say('rootspan: nothing is told of any change of it\n');
  for (const line of toLines(found.traces, url)) await write(`${line}\n`);
}

function readWanted(
  context: CommandContext,
  written: string | undefined,
  namespace: string | undefined,
): Wanted {
  if (written === undefined) throw new UserError(`no KIND/NAME; ${seeHelp(context, 'trace')}`);
  const [kind = '', name = '', ...more] = written.split('/');
  if (kind === '' || name === '' || more.length > 0)
    throw new UserError(`${written}: not KIND/NAME; write it like deploy/web`);
  return { kind, name, namespace };
}

async function findInCluster(
  { workingDirectory, progress }: CommandContext,
  chosen: { context?: string; kubeconfig?: string },
  wanted: Wanted,
): Promise<Found> {
  const { api, address, namespace } = connectCluster(chosen, workingDirectory);
  const within = wanted.namespace ?? namespace;
  progress.show('asking', address);
  let clusters: ClusterObservations[];
  try {
    clusters = await lookAtCluster(api, wanted, within);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${address} ${whyNotRead(error)}`);
  } finally {
    api.close();
    progress.end();
  }
  return findTraces(clusters, { ...wanted, namespace: within }, { isOneLook: true });
}

/** @throws UserError where nothing is called so, or too much is */
function checkFound({ objects, namesakes }: Found, { kind, name, namespace }: Wanted, written: string): void {
  if (objects.length === 0) {
    const others = [...new Set(namesakes.map(describe))];
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    const word = kind.split('.')[0]!.toLowerCase();
    const kinds = namesakes.flatMap((one) => wordsOf(one.kind));
    const meant = nearWord(word, kinds);
    const advice =
      others.length === 0 ? `nor of anything else called ${name}` : `there is a ${others.join(', a ')}`;
    throw new UserError(
      `nothing is told of a ${written}${where}; ${meant === undefined || kinds.includes(word) ? advice : `is ${meant}/${name} meant?`}`,
    );
  }
  const namespaces = new Set(objects.map(({ object }) => object.namespace ?? ''));
  if (namespaces.size > 1)
    throw new UserError(
      `${written} is in the namespaces ${[...namespaces].sort().join(', ')}; choose one with -n`,
    );
}

const describe = ({ kind, namespace }: { kind: string; namespace: string | undefined }): string =>
  `${kind}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;

/** Whose traces they are, where they are those of an owner. */
function ownedOf({ objects }: Found): Set<string> {
  return new Set(
    objects.flatMap(({ object, top }) =>
      object.kind === top.kind && object.name === top.name
        ? []
        : `${object.kind} ${object.name} belongs to ${top.kind} ${top.name}: these are the traces of that`,
    ),
  );
}

/** When it ends nobody knows here, nor what its root is called. */
const linkOf = (
  { traceId, start }: Pick<FoundTrace, 'traceId' | 'start'>,
  url: string | undefined,
): string | undefined =>
  url === undefined
    ? undefined
    : fillTraceUrl(url, { traceId, start: start === undefined ? undefined : String(start / 1_000_000n) });

const toJson = ({ start, cluster, ...rest }: FoundTrace, url: string | undefined) => ({
  ...rest,
  startTimeUnixNano: start === undefined ? undefined : String(start),
  cluster,
  url: linkOf({ traceId: rest.traceId, start }, url),
});

function outcomeOf({ outcome, cause, trouble, start }: FoundTrace): string {
  const word = outcome ?? (start === undefined ? 'unknown' : 'episode');
  if (trouble !== undefined) return `${word}, now ${oneLine(trouble)}`;
  return cause === undefined ? word : `${word} (${oneLine(cause)})`;
}

/** Columns; the id, or its link, first, for whoever cuts it out. */
function toLines(traces: readonly FoundTrace[], url: string | undefined): string[] {
  const clusters = new Set(traces.map(({ cluster }) => JSON.stringify(cluster)));
  const rows = traces.map((one) => [
    linkOf(one, url) ?? one.traceId,
    one.start === undefined ? 'time unknown' : `${formatTime(one.start).slice(0, 19)} UTC`,
    outcomeOf(one),
    ...(clusters.size > 1 ? [one.cluster.name ?? one.cluster.uid ?? 'a cluster without a name'] : []),
    `${oneLine(one.change)} ${oneLine(one.name)}`,
    oneLine(one.summary),
  ]);
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
