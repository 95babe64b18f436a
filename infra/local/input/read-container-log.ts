/**
 * The log of a container, as its Node keeps it: `TIME stdout|stderr F|P TEXT` a line, P where the line goes on
 * (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
 */
import { splitLines } from './split-text.ts';

const format = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])(?: (.*))?$/s;

export const isContainerLog = (line: string): boolean => format.test(line);

/** What the container wrote, a line at a time, with where it begins, from 1. */
export async function* readContainerLog(
  chunks: AsyncIterable<string>,
): AsyncGenerator<{ text: string; line: number }> {
  /** Each stream's line that goes on. */
  const begun = new Map<string, { text: string; line: number }>();
  let number = 0;
  for await (const lines of splitLines(chunks)) {
    for (const raw of lines) {
      number++;
      const [, stream = '', flag, text = ''] = format.exec(raw.replace(/\r$/, '')) ?? [];
      const before = begun.get(stream) ?? { text: '', line: number };
      const now = { text: before.text + text, line: before.line };
      begun.delete(stream);
      if (flag === 'P') begun.set(stream, now);
      else yield now;
    }
  }
}
