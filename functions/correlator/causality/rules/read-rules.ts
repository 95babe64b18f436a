import { isAlias, LineCounter, parseDocument, visit } from 'yaml';
import { UserError } from '../../../../shared/errors.ts';
import { checkRules } from './check-rules.ts';
import type { EventRow } from './event-row.ts';

/** What is larger nobody has written, and it would be read at each cold start. */
export const largestRulesFile = 128 * 1024;

/**
 * A file of the users' own rules: YAML, or JSON, which is YAML too.
 * @param fileName as the user wrote it: errors begin with it
 * @throws UserError in one line that names the row
 */
export function readRules(yamlText: string, fileName: string): EventRow[] {
  if (Buffer.byteLength(yamlText) > largestRulesFile) {
    throw new UserError(
      `${fileName}: larger than ${largestRulesFile / 1024} kB; leave out what is not needed`,
    );
  }
  return checkRules(readList(yamlText, fileName), fileName);
}

function readList(text: string, fileName: string): unknown[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new UserError(`${fileName}:${line}: not YAML (${error.message.split('\n', 1)[0]})`);
  }
  visit(document, {
    Alias: (_, node) => {
      if (!isAlias(node)) return;
      const { line } = lines.linePos(node.range?.[0] ?? 0);
      throw new UserError(`${fileName}:${line}: *${node.source}: write it out; aliases are not read`);
    },
  });
  const input: unknown = document.toJS();
  if (!isMap(input) || !Array.isArray(input.rules)) {
    throw new UserError(
      `${fileName}: no list of rules; write "rules:" and below it a "- subject: …" for each`,
    );
  }
  for (const key of Object.keys(input)) {
    if (key !== 'rules')
      throw new UserError(`${fileName}: ${key} is not known; all rows stand below "rules:"`);
  }
  return input.rules;
}

const isMap = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);
