/** Text that arrives in chunks, cut into lines and into YAML documents. */

/** Lines without their ends, a chunk's worth at a time. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield lines;
  }
  if (rest !== '') yield [rest];
}

export interface YamlPart {
  text: string;
  /** Where it starts, from 1. */
  line: number;
}

/**
 * Documents (between `---` lines), and of a List each item by itself: kubectl prints `items:` and its dashes at the
 * start of a line, so a list of any length is never in memory whole.
 */
export async function* splitYaml(chunks: AsyncIterable<string>): AsyncGenerator<YamlPart> {
  let number = 0;
  let part: string[] = [];
  let start = 1;
  let inItems = false;
  const take = (): YamlPart[] => {
    const text = part.join('\n');
    part = [];
    return /^[^\s#]/m.test(text) ? [{ text, line: start }] : [];
  };
  for await (const lines of splitLines(chunks)) {
    for (const raw of lines) {
      number++;
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '---' || line.startsWith('--- ')) {
        if (!inItems || part[0]?.startsWith('- ')) yield* take();
        part = [];
        inItems = false;
        start = number + 1;
      } else if (line === 'items:') {
        // What stands before and after the items says only that it is a list.
        part = [];
        inItems = true;
      } else if (inItems && line.startsWith('- ')) {
        yield* take();
        part = [line];
        start = number;
      } else if (inItems && line !== '' && !/^[\s-]/.test(line)) {
        if (part[0]?.startsWith('- ')) yield* take();
        part = [];
      } else if (!inItems || part.length > 0) {
        if (part.length === 0) start = number;
        part.push(line);
      }
    }
  }
  if (!inItems || part[0]?.startsWith('- ')) yield* take();
}
