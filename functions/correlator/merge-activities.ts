/** Merging: everything of an activity goes into the one that it turned out to be a part of. */
import { type Activity, readActivity } from './activity.ts';
import {
  archivedSent,
  mergedArchive,
  mergedBatch,
  mergedChunk,
  mergeItem,
  registrationKey,
  shorten,
} from './items.ts';
import { fence } from './outbox.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import { activityPartition, archivePartition } from './store.ts';

export interface Merge {
  from: string;
  into: string;
  /** Sort key in `into` of what asks for it, where something does. */
  asked?: string;
  /** Of the object of `into`. */
  family: string;
}

/**
 * What was sent first, so that nobody there sends it again. Batches stay here as well: the chain that committed one may still have to
 * send it. `follow` sees to it that somebody settles `into`, before nothing is left here that would bring this about again.
 *
 * A crash anywhere leaves what is merged in both places, which does no harm, and what would merge it again.
 *
 * @throws OutboxConflictError where somebody settles `from` at the same time
 * @throws UnreadableBodyError
 */
export async function mergeInto(
  context: SettleContext,
  { from, into, family, asked }: Merge,
  follow: () => Promise<void>,
): Promise<void> {
  const { store, log, now } = context.ports;
  const early = await readActivity(store, from);
  await fence(context, early);
  const fields = { at: now(), family };
  const expiresAt = expiresIn(context, context.thresholds.retention);
  await store.put([...early.sent, ...early.batches].map((item) => mergedBatch(item, from, into)));
  if (hasArchive(early)) await mergeArchive(context, from, into);
  await store.put([
    ...early.chunks.map((item) => mergedChunk(item, from, into, fields)),
    ...early.merges
      .filter((merge) => merge.from !== into)
      .map((merge) => mergeItem(into, family, merge.from, expiresAt)),
  ]);
  await follow();
  await store.remove([
    ...[...early.chunks, ...early.merges].map(({ sk }) => ({ pk: activityPartition(from), sk })),
    registrationKey(from),
  ]);
  await store.remove([
    asked === undefined ? mergeItem(into, family, from, 0) : { pk: activityPartition(into), sk: asked },
  ]);
  log({ kind: 'merged', activity: from, into, chunks: early.chunks.length });
}

/** Whether something of its outbox was compacted, here or in what was merged into it: its first batch is there no more. */
const hasArchive = ({ batches, sent }: Activity): boolean => sent.length > 0 || (batches[0]?.number ?? 1) > 1;

/** Observations of hours ago may come again, in `into` from now on: there its own archive is asked whether their spans were sent. */
async function mergeArchive({ ports: { store } }: SettleContext, from: string, into: string): Promise<void> {
  const items = await store.list(archivePartition(from), archivedSent);
  await store.put(items.map((item) => mergedArchive(item, into)));
}

/** Name of the chain that settles `into` because of what was merged. */
export const mergeChain = (chain: string, from: string): string => shorten(`${chain} ${from}`);
