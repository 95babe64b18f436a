/**
 * `kubectl cluster-info dump` prints the logs of each container between its lists. They are cut out, but for their line ends: what
 * comes after them stands on the line that it stands on. A line of JSON never begins like this.
 */
const start = '\n==== START logs for container ';

export async function* skipContainerLogs(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  /** The line that ends the log, where one is being left out. */
  let end: string | undefined;
  for await (const chunk of chunks) {
    rest += chunk;
    for (;;) {
      const cut = end === undefined ? upToLog(rest) : afterLog(rest, end);
      if (cut.text !== '') yield cut.text;
      rest = cut.rest;
      if (cut.end === end) break;
      end = cut.end;
    }
  }
  if (end === undefined && rest !== '') yield rest;
}

interface Cut {
  text: string;
  rest: string;
  end: string | undefined;
}

/** Whatever may be the beginning of the mark is kept back until more is known. */
function upToLog(text: string): Cut {
  const at = text.indexOf(start);
  if (at === -1) {
    const last = text.lastIndexOf('\n');
    const isBegun = last !== -1 && start.startsWith(text.slice(last));
    const kept = isBegun ? last : text.length;
    return { text: text.slice(0, kept), rest: text.slice(kept), end: undefined };
  }
  const lineEnd = text.indexOf('\n', at + 1);
  if (lineEnd === -1) return { text: text.slice(0, at), rest: text.slice(at), end: undefined };
  const end = text
    .slice(at + 1, lineEnd)
    .replace('START', 'END')
    .trimEnd();
  return { text: text.slice(0, at), rest: text.slice(at), end };
}

/** A log need not end with its line. */
function afterLog(text: string, end: string): Cut {
  const at = text.indexOf(end);
  const last = at === -1 ? Math.max(0, text.length - end.length) : at + end.length;
  const lines = text.slice(0, last).split('\n').length - 1;
  return { text: '\n'.repeat(lines), rest: text.slice(last), end: at === -1 ? end : undefined };
}
