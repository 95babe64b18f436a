/**
 * JSON documents cut into their objects: of a List (`kubectl get -o json`) each item, else the document. No library
 * here both streams one document of hundreds of megabytes and knows the line that something stands on.
 */
import { UserError } from '../../../shared/errors.ts';
import { foreignLine } from './known-inputs.ts';

/** What a list says of items that do not say it themselves: the API server leaves both out of a typed list's. */
export interface ListHead {
  apiVersion: string | undefined;
  kind: string | undefined;
}

export interface JsonPart {
  text: string;
  /** Where it starts, from 1. */
  line: number;
  /** Of the list that it is an item of, as far as it stood before the items. */
  list: ListHead | undefined;
}

const [newline, space, quote, backslash] = [10, 32, 34, 92];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];

export async function* splitJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<JsonPart> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let line = 1;
  /** Text of the document outside its items, each of which left a 0 there. */
  let shell = '';
  let shellLine = 1;
  let item: { text: string; line: number } | undefined;
  let list: ListHead | undefined;
  let inItems = false;
  let items = 0;

  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (inString) {
        if (escaped) escaped = false;
        else if (code === backslash) escaped = true;
        else if (code === quote) inString = false;
        else if (code === newline) line++;
        continue;
      }
      if (code <= space) {
        if (code === newline) line++;
      } else if (code === quote && depth > 0) {
        inString = true;
      } else if (code === openBrace || code === openBracket) {
        if (depth === 0) {
          shellLine = line;
          from = i;
        } else if (inItems && depth === 2 && code === openBrace) {
          shell += chunk.slice(from, i);
          from = i;
          item = { text: '', line };
        } else if (depth === 1 && code === openBracket && list === undefined) {
          const before = shell + chunk.slice(from, i);
          if (/"items"\s*:\s*$/.test(before.slice(-64))) {
            inItems = true;
            list = headOf(before);
          }
        }
        depth++;
      } else if (code === closeBrace || code === closeBracket) {
        depth--;
        if (depth < 0)
          throw new UserError(`${file}:${line}: not JSON: one bracket too many; is the file cut?`);
        if (inItems && depth === 2 && item !== undefined) {
          yield { text: item.text + chunk.slice(from, i + 1), line: item.line, list };
          item = undefined;
          items++;
          shell += '0';
          from = i + 1;
        } else if (inItems && depth === 1) {
          inItems = false;
        } else if (depth === 0) {
          shell += chunk.slice(from, i + 1);
          if (list === undefined) yield { text: shell, line: shellLine, list };
          else if (!holdsOnlyItems(shell, items))
            throw new UserError(
              `${file}:${shellLine}: a list with something else than objects among its items; give kubectl's output as it is`,
            );
          shell = '';
          list = undefined;
          items = 0;
          from = i + 1;
        }
      } else if (depth === 0) {
        const rest = chunk.slice(i).split('\n', 1)[0]!;
        const what = foreignLine(rest) ?? "not JSON; give kubectl's output as it is";
        throw new UserError(`${file}:${line}: ${what}`);
      }
    }
    if (item !== undefined) item.text += chunk.slice(from);
    else if (depth > 0) shell += chunk.slice(from);
  }
  if (depth > 0) throw new UserError(`${file}:${line}: the JSON ends in the middle; is the file cut?`);
}

const headOf = (text: string): ListHead => ({
  apiVersion: /"apiVersion"\s*:\s*"([^"]+)"/.exec(text)?.[1],
  kind: /"kind"\s*:\s*"(\w+)"/.exec(text)?.[1],
});

function holdsOnlyItems(shell: string, count: number): boolean {
  try {
    const { items } = JSON.parse(shell) as { items: unknown };
    return Array.isArray(items) && items.length === count && items.every((entry) => entry === 0);
  } catch {
    return false;
  }
}
