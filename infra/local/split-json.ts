/**
 * JSON documents cut into their objects: of a List (`kubectl get -o json`) each item, else the document. No library
 * here both streams one document of hundreds of megabytes and knows the line that something stands on.
 */
import { UserError } from '../../shared/errors.ts';

export interface JsonPart {
  text: string;
  /** Where it starts, from 1. */
  line: number;
  /** `kind` of the list that it is an item of, where that came before. */
  listKind: string | undefined;
}

export async function* splitJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<JsonPart> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let line = 1;
  /** Text of the document outside its items, and of the item at hand. */
  let shell = '';
  let shellLine = 1;
  let item: { text: string; line: number } | undefined;
  let inItems = false;
  let hadItems = false;

  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (code === 10) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (code === 92) escaped = true;
        else if (code === 34) inString = false;
        continue;
      }
      if (code === 34) {
        inString = true;
      } else if (code === 123 || code === 91) {
        if (depth === 0) {
          shellLine = line;
          from = i;
        } else if (inItems && depth === 2 && code === 123) {
          shell += chunk.slice(from, i);
          from = i;
          item = { text: '', line };
        } else if (
          depth === 1 &&
          code === 91 &&
          /"items"\s*:\s*$/.test(shell.slice(-64) + chunk.slice(Math.max(from, i - 64), i))
        ) {
          inItems = true;
          hadItems = true;
        }
        depth++;
      } else if (code === 125 || code === 93) {
        depth--;
        if (depth < 0)
          throw new UserError(`${file}:${line}: not JSON: one bracket too many; is the file cut?`);
        if (inItems && depth === 2 && item !== undefined) {
          yield {
            text: item.text + chunk.slice(from, i + 1),
            line: item.line,
            listKind: /"kind"\s*:\s*"(\w+)"/.exec(shell)?.[1],
          };
          item = undefined;
          from = i + 1;
        } else if (inItems && depth === 1) {
          inItems = false;
        } else if (depth === 0) {
          shell += chunk.slice(from, i + 1);
          if (!hadItems) yield { text: shell, line: shellLine, listKind: undefined };
          shell = '';
          hadItems = false;
          from = i + 1;
        }
      } else if (depth === 0 && code > 32) {
        throw new UserError(`${file}:${line}: not JSON; give kubectl's output as it is`);
      }
    }
    if (item !== undefined) item.text += chunk.slice(from);
    else if (depth > 0) shell += chunk.slice(from);
  }
  if (depth > 0 || inString)
    throw new UserError(`${file}:${line}: the JSON ends in the middle; is the file cut?`);
}
