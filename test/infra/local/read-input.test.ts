import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readInput } from '../../../infra/local/read-input.ts';
import { captureCommand } from '../../support/capture-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootspan-read-input-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('shows how much it has read, one as one', async () => {
  const event = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: 'shop', uid: name },
    involvedObject: { kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'p1' },
    reason: 'Pulled',
    lastTimestamp: '2026-11-23T04:51:02Z',
  });
  writeFileSync(join(folder, 'two.json'), `${JSON.stringify(event('a'))}\n${JSON.stringify(event('b'))}\n`);
  const shown: string[] = [];
  const progress = {
    show: (stage: string, detail: string) => void shown.push(`${stage} ${detail}`),
    end: () => {},
  };
  await captureCommand(
    async (context) => void (await readInput({ ...context, progress }, { files: ['two.json'] })),
    folder,
  );
  expect(shown).toEqual(['reading 1 observation', 'reading 2 observations']);
});
