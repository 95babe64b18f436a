/** Text that arrives in chunks, cut into lines and into YAML documents. */
import type { ListHead } from './split-json.ts';

/** Lines without their ends, a chunk's worth at a time. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  /** Of a line that goes on: joined once, however long it gets. */
  let begun: string[] = [];
  for await (const chunk of chunks) {
    const lines = chunk.split('\n');
    const rest = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = begun.join('') + lines[0];
      begun = [];
      yield lines;
    }
    if (rest !== '') begun.push(rest);
  }
  if (begun.length > 0) yield [begun.join('')];
}

export interface YamlPart {
  /** `shell`: what stands around a list's items, of no interest as long as it is YAML. */
  holds: 'object' | 'shell';
  text: string;
  /** Where it starts, from 1. */
  line: number;
  /** Of the list that it is an item of, as far as it stood before the items. */
  list: ListHead | undefined;
}

/**
 * Documents (between `---` lines), and of a List each item by itself: kubectl prints `items:` and its dashes at the
 * start of a line, so a list of any length is never in memory whole. One that is written otherwise is one document.
 */
export async function* splitYaml(chunks: AsyncIterable<string>): AsyncGenerator<YamlPart> {
  let number = 0;
  let part: string[] = [];
  let start = 1;
  let holds: YamlPart['holds'] = 'object';
  let list: ListHead | undefined;
  const take = (): YamlPart[] => {
    const text = part.join('\n');
    part = [];
    return /^\s*[^\s#]/m.test(text) ? [{ holds, text, line: start, list }] : [];
  };

  for await (const lines of splitLines(chunks)) {
    for (const raw of lines) {
      number++;
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (/^(?:---|\.\.\.)(?:\s|$)/.test(line)) {
        yield* take();
        holds = 'object';
        list = undefined;
        const behind = line.slice(3);
        if (behind.trim() !== '') {
          part.push(behind);
          start = number;
        }
        continue;
      }
      const isDash = line === '-' || line.startsWith('- ');
      if (isDash && list === undefined && endsInItems(part)) {
        part.pop();
        const head = part.join('\n');
        holds = 'shell';
        yield* take();
        list = {
          apiVersion: /^apiVersion: *["']?([^\s"']+)/m.exec(head)?.[1],
          kind: /^kind: *["']?([^\s"']+)/m.exec(head)?.[1],
        };
        holds = 'object';
      } else if (isDash && list !== undefined && holds === 'object') {
        yield* take();
      } else if (list !== undefined && holds === 'object' && /^[^\s#]/.test(line)) {
        yield* take();
        holds = 'shell';
      }
      if (part.length === 0) start = number;
      part.push(line);
    }
  }
  yield* take();
}

/** Blank lines and comments between `items:` and the first dash go with it. */
function endsInItems(part: string[]): boolean {
  const last = part.findLastIndex((line) => !/^\s*(?:#|$)/.test(line));
  if (last < 0 || !/^items:\s*$/.test(part[last]!)) return false;
  part.length = last + 1;
  return true;
}
