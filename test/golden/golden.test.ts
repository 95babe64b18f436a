import { describe, expect, it } from 'vitest';
import { explain } from '../../infra/local/explain.ts';
import { renderTree } from '../../infra/local/view/render-tree.ts';
import { readRecording, recordingFiles } from '../read-recordings.ts';

describe('golden traces', () => {
  it.each(recordingFiles)('%s', async (file) => {
    const spans = explain(await readRecording(file));
    await expect(renderTree(spans, { why: true })).toMatchFileSnapshot(`${file.replace(/\.\w+$/, '')}.txt`);
  });
});
