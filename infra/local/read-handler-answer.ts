/**
 * What a handler's answer says of its batch, with ReportBatchItemFailures on.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html: nothing, null, an empty
 * object, an empty or null list are a success (so is an object with other fields only: a slip in the key's name loses
 * records there, and must here); an item without a name, or with one that is not in the batch, fails the whole batch.
 */
export type HandlerAnswer =
  | { kind: 'success' }
  | { kind: 'partly-failed'; ids: ReadonlySet<string> }
  | { kind: 'malformed'; reason: string };

export function readHandlerAnswer(answer: unknown, known: ReadonlySet<string>): HandlerAnswer {
  if (answer === undefined || answer === null || answer === '') return { kind: 'success' };
  if (typeof answer !== 'object') return malformed('is no object');
  const failures = 'batchItemFailures' in answer ? answer.batchItemFailures : undefined;
  if (failures === undefined || failures === null) return { kind: 'success' };
  if (!Array.isArray(failures)) return malformed('has batchItemFailures that are no list');
  const ids = new Set<string>();
  for (const item of failures as unknown[]) {
    const id =
      typeof item === 'object' && item !== null && 'itemIdentifier' in item ? item.itemIdentifier : undefined;
    if (typeof id !== 'string' || id === '') return malformed('names an item without an itemIdentifier');
    if (!known.has(id)) return malformed(`names ${JSON.stringify(id)}, which is not in the batch`);
    ids.add(id);
  }
  return ids.size === 0 ? { kind: 'success' } : { kind: 'partly-failed', ids };
}

const malformed = (what: string): HandlerAnswer => ({
  kind: 'malformed',
  reason: `the handler's answer ${what}`,
});
