import { describe, expect, it } from 'vitest';
import { explain } from '../../infra/local/explain.ts';
import { renderTree } from '../../infra/local/view/render-tree.ts';
import type { Observation } from '../../shared/observation.ts';
import { caseFiles, readCase, readRecording, recordingFiles } from '../read-recordings.ts';

const golden = (observations: readonly Observation[]) => renderTree(explain(observations), { why: true });
const named = (file: string) => `${file.replace(/\.\w+$/, '')}.txt`;

describe('golden traces', () => {
  it.each(recordingFiles)('%s', async (file) => {
    await expect(golden(await readRecording(file))).toMatchFileSnapshot(named(file));
  });

  it.each(caseFiles)('as others write them: %s', async (file) => {
    await expect(golden(await readCase(file))).toMatchFileSnapshot(`cases/${named(file)}`);
  });
});
