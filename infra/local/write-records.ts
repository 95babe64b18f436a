/** Change records as JSON lines in a file, each as soon as its change or release has ended. */
import { appendFile, writeFile } from 'node:fs/promises';
import { type ChangeRecord, type RecordSettings, recordOfEnd } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';

export interface RecordWriter {
  /** Of the spans that there are now: writes what was not written before. */
  add(spans: readonly Span[]): Promise<void>;
  /** Writes one of what has not ended. */
  tell(record: object): void;
}

/** @throws UserError where the file cannot be written */
export async function createRecordWriter(file: string, settings: RecordSettings): Promise<RecordWriter> {
  await writeFile(file, '').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      `--records ${file}: cannot be written (${error.code}); name a file in a folder that is there`,
    );
  });
  let writing: Promise<void> = Promise.resolve();
  // One after the other: two at once could write into each other's line.
  const append = (records: readonly object[]): Promise<void> => {
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    writing = writing.then(() => (lines === '' ? undefined : appendFile(file, lines)));
    return writing;
  };
  let written: ReadonlySet<string> = new Set();
  return {
    tell: (record) => void append([record]),
    async add(spans) {
      const records = spans.flatMap((span) => recordOfEnd(span, settings) ?? []);
      const fresh = records.filter(({ id }) => !written.has(id)).sort(inOrder);
      // What is not among the spans any more comes no more.
      written = new Set(records.map(({ id }) => id));
      await append(fresh);
    },
  };
}

const inOrder = (a: ChangeRecord, b: ChangeRecord): number => {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.id < b.id ? -1 : 1;
};
