/** Change records as JSON lines in a file, each as soon as its change or release has ended. */
import { appendFile, readFile, stat } from 'node:fs/promises';
import { type ChangeRecord, type RecordSettings, recordOfEnd } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';

export interface RecordWriter {
  /**
   * Makes the file where it is not there, and reads what stands in it where it is: called once the input was read, so that a run that
   * comes to nothing leaves nothing behind.
   * @throws UserError where it cannot be written, or holds something else than change records
   */
  open(): Promise<void>;
  /**
   * Of the spans that there are now: writes what was not written before.
   * @throws UserError where it cannot be written any more
   */
  add(spans: readonly Span[]): Promise<void>;
  /** Writes one of what has not ended. */
  tell(record: Pick<ChangeRecord, 'id'>): void;
}

/**
 * A file that is there is continued: nothing of it is lost, and what stands in it is not written again.
 * @param name of the file, as the user wrote it
 */
export function createRecordWriter(file: string, name: string, settings: RecordSettings): RecordWriter {
  let writing: Promise<void> = Promise.resolve();
  // One after the other: two at once could write into each other's line.
  const append = (records: readonly Pick<ChangeRecord, 'id'>[]): Promise<void> => {
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    if (lines !== '')
      writing = writing.then(() =>
        appendFile(file, lines).catch((error) => cannotBe('written', name, error)),
      );
    return writing;
  };
  let before: ReadonlySet<string> = new Set();
  let written: ReadonlySet<string> = new Set();
  return {
    async open() {
      before = await readIds(file, name);
      await appendFile(file, '').catch((error) => cannotBe('written', name, error));
    },
    tell: (record) => {
      // What could not be written the next add says, too.
      if (!before.has(record.id)) append([record]).catch(() => {});
    },
    async add(spans) {
      const records = spans.flatMap((span) => recordOfEnd(span, settings) ?? []);
      const fresh = records.filter(({ id }) => !written.has(id) && !before.has(id)).sort(inOrder);
      // What is not among the spans any more comes no more.
      written = new Set(records.map(({ id }) => id));
      await append(fresh);
    },
  };
}

/** Of the records in it; none where it is no file yet, or none that can be read back (a pipe, a terminal). */
async function readIds(file: string, name: string): Promise<Set<string>> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return new Set();
  const text = await readFile(file, 'utf8').catch((error) => cannotBe('read', name, error));
  return new Set(
    text.split('\n').flatMap((line, i) => {
      if (line === '') return [];
      const id = idOf(line);
      if (id !== undefined) return id;
      throw new UserError(
        `--records ${name}:${i + 1}: no change record; records are added to a file that has nothing else in it, name another`,
      );
    }),
  );
}

/** Undefined where the line is no change record. */
function idOf(line: string): string | undefined {
  try {
    const { version, id, outcome, trace } = JSON.parse(line) as Partial<ChangeRecord>;
    return typeof version === 'number' && outcome !== undefined && trace !== undefined ? id : undefined;
  } catch {
    return undefined;
  }
}

function cannotBe(what: 'read' | 'written', name: string, { code }: NodeJS.ErrnoException): never {
  throw new UserError(
    `--records ${name}: cannot be ${what} (${code}); name a file in a folder that is there`,
  );
}

const inOrder = (a: ChangeRecord, b: ChangeRecord): number => {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.id < b.id ? -1 : 1;
};
