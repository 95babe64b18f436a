/** Change records on their way to the bus: no span waits for one, and none is lost. */
import { expect, it } from 'vitest';
import { fileReleases } from '../../../functions/correlator/file-releases.ts';
import type { BusRecord } from '../../../functions/correlator/ports.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import { startContext } from '../../support/start-context.ts';
import { changeRoot, clockAt } from './releases/change-roots.ts';

const record: BusRecord = { id: 'old', kind: 'ended', time: '2026-03-01T11:59:00.000Z' };

/** A timer whose release is over, and behind it in one batch a record that the bus did not take before. */
async function settleBoth({ isAway }: { isAway: boolean }) {
  const context = startContext(undefined, Number(clockAt(60) / 1_000_000n));
  const steps: string[] = [];
  const postponed: string[] = [];
  await fileReleases(
    context,
    ['eu-1', 'eu-2'].map((cluster) => changeRoot({ cluster, release: 'r1' })),
  );
  const [timer] = context.armed;
  context.clock.now = timer!.dueAt;
  const settle = createSettle(
    {
      ...context.ports,
      spansQueue: {
        async send(spans) {
          steps.push(`${spans.length} spans`);
        },
      },
      records: {
        async put(records) {
          steps.push(...records.map(({ id, kind }) => (id === 'old' ? 'old record' : kind)));
          return { later: isAway ? [...records] : [], refused: [] };
        },
        async postpone(records) {
          postponed.push(...records.map(({ kind }) => kind));
        },
      },
    },
    context.thresholds,
  );
  const messages = [{ records: [record] }, timer].map((body, i) => ({
    messageId: `m${i}`,
    body: JSON.stringify(body),
  }));
  const { batchItemFailures } = await settle({ Records: messages });
  return { steps, postponed, failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
}

it('spans are sent before anything is told, and what waits for the bus comes last', async () => {
  expect(await settleBoth({ isAway: false })).toEqual({
    steps: ['3 spans', 'release-ended', 'old record'],
    postponed: [],
    failed: [],
  });
});

it('where the bus is away only the records come again', async () => {
  expect(await settleBoth({ isAway: true })).toEqual({
    steps: ['3 spans', 'release-ended', 'old record'],
    postponed: ['release-ended'],
    failed: ['m0'],
  });
});
