/** YAML to observations: what kubectl prints, and kspan's captures. */
import { parseDocument } from 'yaml';
import { UserError } from '../../../shared/errors.ts';
import { isRecord, type Json } from './json-value.ts';
import { knownInputs } from './known-inputs.ts';
import { type Found, observeCaptured, observeDocument } from './observe-document.ts';
import { splitYaml } from './split-text.ts';

export async function* observeYaml(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Found> {
  for await (const { holds, text, line, list } of splitYaml(chunks)) {
    const where = `${file}:${line}`;
    const value = parseYaml(file, line, text);
    if (holds === 'shell') continue;
    const caption = kspanCaption(text);
    if (caption === undefined) yield* observeDocument(where, value, list);
    else yield* observeCaptured(where, value, caption);
  }
}

function parseYaml(file: string, line: number, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const at = line + text.slice(0, error.pos[0]).split('\n').length - 1;
    const what = error.code.toLowerCase().replaceAll('_', ' ');
    throw new UserError(`${file}:${at}: not YAML (${what}); ${knownInputs}`);
  }
  try {
    return document.toJS();
  } catch {
    // Aliases that would unfold to gigabytes.
    throw new UserError(`${file}:${line}: YAML with too many aliases; ${knownInputs}`);
  }
}

/** kspan writes `# {"time":"…","style":"event|initial","kind":"…"}` on a document's first line (its playback.go). */
function kspanCaption(text: string): Json | undefined {
  const comment = /^(?:\s*#[^{\n]*\n)*\s*#\s*(\{.*\})\s*\n/.exec(text)?.[1];
  if (comment === undefined) return undefined;
  try {
    const caption: unknown = JSON.parse(comment);
    return isRecord(caption) && typeof caption.style === 'string' ? caption : undefined;
  } catch {
    return undefined;
  }
}
