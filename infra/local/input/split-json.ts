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

/** Where in the documents of a file the cutter stands. */
interface Cutter {
  readonly file: string;
  /** Of brackets that are open. */
  depth: number;
  line: number;
  /** Where in the chunk what belongs together begins. */
  from: number;
  /** Text of the document outside its items, each of which left a 0 there. */
  shell: string;
  shellLine: number;
  item: { text: string; line: number } | undefined;
  list: ListHead | undefined;
  inItems: boolean;
  items: number;
}

export async function* splitJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<JsonPart> {
  const cutter: Cutter = {
    file,
    depth: 0,
    line: 1,
    from: 0,
    shell: '',
    shellLine: 1,
    item: undefined,
    list: undefined,
    inItems: false,
    items: 0,
  };
  let inString = false;
  let escaped = false;
  for await (const chunk of chunks) {
    cutter.from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (inString) {
        if (escaped) escaped = false;
        else if (code === backslash) escaped = true;
        else if (code === quote) inString = false;
        else if (code === newline) cutter.line++;
      } else if (code <= space) {
        if (code === newline) cutter.line++;
      } else if (code === quote && cutter.depth > 0) {
        inString = true;
      } else if (code === openBrace || code === openBracket) {
        openBracketAt(cutter, chunk, i, code);
      } else if (code === closeBrace || code === closeBracket) {
        const part = closeBracketAt(cutter, chunk, i);
        if (part !== undefined) yield part;
      } else if (cutter.depth === 0) {
        throw foreignText(cutter, chunk.slice(i));
      }
    }
    if (cutter.item !== undefined) cutter.item.text += chunk.slice(cutter.from);
    else if (cutter.depth > 0) cutter.shell += chunk.slice(cutter.from);
  }
  if (cutter.depth > 0) {
    throw new UserError(`${file}:${cutter.line}: the JSON ends in the middle; is the file cut?`);
  }
}

/** A document, an item or the list of the items begins, or something within one of them. */
function openBracketAt(cutter: Cutter, chunk: string, at: number, code: number): void {
  const { depth, from, inItems } = cutter;
  if (depth === 0) {
    cutter.shellLine = cutter.line;
    cutter.from = at;
  } else if (inItems && depth === 2 && code === openBrace) {
    cutter.shell += chunk.slice(from, at);
    cutter.from = at;
    cutter.item = { text: '', line: cutter.line };
  } else if (depth === 1 && code === openBracket && cutter.list === undefined) {
    const before = cutter.shell + chunk.slice(from, at);
    if (/"items"\s*:\s*$/.test(before.slice(-64))) {
      cutter.inItems = true;
      cutter.list = headOf(before);
    }
  }
  cutter.depth++;
}

/** @returns what ends there, if it is one to give */
function closeBracketAt(cutter: Cutter, chunk: string, at: number): JsonPart | undefined {
  const { file, from, item, list } = cutter;
  const depth = --cutter.depth;
  if (depth < 0) {
    throw new UserError(`${file}:${cutter.line}: not JSON: one bracket too many; is the file cut?`);
  }
  if (cutter.inItems && depth === 2 && item !== undefined) {
    cutter.item = undefined;
    cutter.items++;
    cutter.shell += '0';
    cutter.from = at + 1;
    return { text: item.text + chunk.slice(from, at + 1), line: item.line, list };
  }
  if (cutter.inItems && depth === 1) cutter.inItems = false;
  else if (depth === 0) return endDocument(cutter, chunk, at);
  return undefined;
}

/** @returns the document, but for a list, whose items were given */
function endDocument(cutter: Cutter, chunk: string, at: number): JsonPart | undefined {
  const { file, items, list, shellLine } = cutter;
  const text = cutter.shell + chunk.slice(cutter.from, at + 1);
  cutter.shell = '';
  cutter.list = undefined;
  cutter.items = 0;
  cutter.from = at + 1;
  if (list === undefined) return { text, line: shellLine, list };
  if (holdsOnlyItems(text, items)) return undefined;
  throw new UserError(
    `${file}:${shellLine}: a list with something else than objects among its items; give kubectl's output as it is`,
  );
}

function foreignText({ file, line }: Cutter, text: string): UserError {
  const what = foreignLine(text.split('\n', 1)[0]!) ?? "not JSON; give kubectl's output as it is";
  return new UserError(`${file}:${line}: ${what}`);
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
