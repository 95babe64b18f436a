import { readFileSync, statSync } from 'node:fs';
import { UserError } from '../../shared/errors.ts';
import type { EventRow } from './causality/rules/event-row.ts';
import { largestRulesFile, readRules } from './causality/rules/read-rules.ts';

const troubles: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  EISDIR: 'is a directory; name the file with the rules',
  EACCES: 'may not be read; check its permissions',
};

/**
 * @param name what the user calls it, where that is not the path
 * @throws UserError in one line that names the file, and the row where it is one
 */
export function readRulesFile(path: string, name = path): EventRow[] {
  return readRules(readText(path, name), name);
}

function readText(path: string, name: string): string {
  try {
    const { size } = statSync(path);
    if (size > largestRulesFile) {
      throw new UserError(`${name}: larger than ${largestRulesFile / 1024} kB; leave out what is not needed`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw new UserError(`${name}: not UTF-8 text`);
    throw new UserError(`${name}: ${troubles[code] ?? `cannot be read (${code}); check the file`}`);
  }
}
