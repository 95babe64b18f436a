/** How changes end, as figures: by outcome, and by cluster where somebody asked for it. */
import type { Context } from 'aws-lambda';
import { afterEach, expect, it, vi } from 'vitest';
import { endedChangesIn } from '../../../functions/correlator/count-ended.ts';
import { correlatorTellings } from '../../../functions/correlator/tell-remarks.ts';
import { recordOfEnd } from '../../../shared/change-record.ts';
import type { Span } from '../../../shared/span.ts';
import { createTelemetry } from '../../../shared/telemetry.ts';
import { assembled, changeRoot, changesOf, type RootFacts } from './releases/change-roots.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const roots: RootFacts[] = [
  { cluster: 'eu-1', release: 'r1', took: 5 },
  { cluster: 'eu-2', release: 'r1', took: 7 },
  { cluster: 'eu-2', name: 'api', release: 'r1', took: 600, outcome: 'stalled', error: 'ErrImagePull' },
];

const recordsOf = (spans: readonly Span[]) => spans.flatMap((span) => recordOfEnd(span) ?? []);

/** Lines of figures of one invocation in which these roots were sent, without what Powertools puts into each. */
async function told(byCluster: boolean, some = roots): Promise<Record<string, unknown>[]> {
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'settle');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Rootspan');
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(JSON.parse(String(text))) > 0);
  const { tell, wrap } = createTelemetry(correlatorTellings, { byCluster });
  const changes = endedChangesIn(recordsOf(some.map(changeRoot)));
  await wrap(async () => tell({ kind: 'changes-ended', changes }))({}, { awsRequestId: 'one' } as Context);
  return lines.map(({ _aws, service, ...figures }) => figures);
}

it('by outcome, and how long they took', async () =>
  expect(await told(false)).toEqual([
    { ChangesComplete: [1, 1], ChangesFailed: 1, ChangeDuration: [5, 7, 600] },
  ]));

it('a change that took no time has no duration among them: no figure is 0', async () =>
  expect(await told(false, [{ cluster: 'eu-1', release: 'r1', took: 0 }])).toEqual([{ ChangesComplete: 1 }]));

it('by cluster as well, where it is asked for', async () =>
  expect(await told(true)).toEqual([
    { cluster: 'eu-1', ChangesComplete: 1 },
    { cluster: 'eu-1', ChangeDuration: 5 },
    { cluster: 'eu-2', ChangesComplete: 1 },
    { cluster: 'eu-2', ChangeDuration: 7 },
    { cluster: 'eu-2', ChangesFailed: 1 },
    { cluster: 'eu-2', ChangeDuration: 600 },
    { ChangesComplete: [1, 1], ChangesFailed: 1, ChangeDuration: [5, 7, 600] },
  ]));

it('a release is counted by its changes', () =>
  expect(endedChangesIn(recordsOf(assembled(changesOf(...roots))))).toEqual([]));
