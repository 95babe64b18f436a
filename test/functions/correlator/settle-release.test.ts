/** Filing and settling of releases, with a crash at each call: what was sent is the same, and each change is in it. */
import { describe, expect, it } from 'vitest';
import type { AssembledSpan } from '../../../functions/correlator/causality/assemble.ts';
import { fileOpen, fileReleases, openChangesIn } from '../../../functions/correlator/file-releases.ts';
import type { BusRecord, RecordsBus, Timer } from '../../../functions/correlator/ports.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import type { Span } from '../../../shared/span.ts';
import { faultsOf } from '../../check-record.ts';
import { type CrashAt, type StartedContext, startContext } from '../../support/start-context.ts';
import { changeRoot, clockAt, outlineOf, type RootFacts } from './releases/change-roots.ts';

const beginning = Number(clockAt(0) / 1_000_000n);
const started = (crash?: CrashAt) => startContext(crash, beginning + 60_000);

/** As whoever sends the roots does, again and again until it is done. */
async function file(context: StartedContext, ...roots: readonly RootFacts[]): Promise<void> {
  for (;;) {
    try {
      return await fileReleases(context, roots.map(changeRoot));
    } catch {
      context.clock.now += 12 * 60_000;
    }
  }
}

/** Timers as SQS brings them, each until it is done; those of a long wait come back when they are due. */
async function runTimers(context: StartedContext, afterEach = async () => {}): Promise<void> {
  const settle = createSettle(context.ports, context.thresholds);
  for (let timer = context.armed.shift(); timer !== undefined; timer = context.armed.shift()) {
    const { delaySeconds: _, ...body }: Timer & { delaySeconds: number } = timer;
    context.clock.now = Math.max(context.clock.now, body.dueAt);
    const event = { Records: [{ messageId: 'm', body: JSON.stringify(body) }] };
    while ((await settle(event)).batchItemFailures.length > 0) context.clock.now += 12 * 60_000;
    await afterEach();
  }
}

const sentOf = ({ sends }: StartedContext): Span[] => [
  ...new Map(sends.flat().map((span) => [JSON.stringify(span), span])).values(),
];

const two: RootFacts[] = [
  { cluster: 'eu-1', release: 'r1' },
  { cluster: 'eu-2', release: 'r1', at: 30 },
];
const told = 'r1: 2 in 2, 0 failed\n  web in eu-1 complete\n  web in eu-2 complete';

describe('a release', () => {
  it('is sent when it is over, and once', async () => {
    const context = started();
    await file(context, two[0]!);
    expect(context.armed).toEqual([]);
    await file(context, two[1]!);
    await file(context, { cluster: 'eu-3', name: 'other', release: 'r2' });
    expect(context.armed).toHaveLength(1);
    await runTimers(context);
    expect(outlineOf(sentOf(context))).toBe(told);
    expect(context.sends).toHaveLength(1);
    expect(context.clock.now).toBeGreaterThan(beginning + 4830_000);
  });

  it('waits for what came meanwhile, with the one timer that it has', async () => {
    const context = started();
    await file(context, ...two);
    await file(context, { cluster: 'eu-3', release: 'r1', at: 1800 });
    expect(context.armed).toHaveLength(1);
    await runTimers(context);
    expect(outlineOf(sentOf(context))).toContain('r1: 3 in 3');
    expect(context.clock.now).toBeGreaterThan(beginning + (1800 + 4800) * 1000);
  });

  it('waits for a change that is under way, and has it in it', async () => {
    const context = started();
    await file(context, ...two);
    const root = changeRoot({ cluster: 'eu-3', release: 'r1', at: 40, outcome: 'unfinished' });
    const open: AssembledSpan = {
      span: root,
      key: 'web',
      occurrence: undefined,
      final: false,
      finalAt: clockAt(99),
    };
    context.clock.now = beginning + 39 * 60_000;
    expect(openChangesIn(context, [open])).toEqual([]);
    context.clock.now = beginning + 79 * 60_000;
    await fileOpen(context, openChangesIn(context, [open]));
    const ended = { cluster: 'eu-3', release: 'r1', at: 40, outcome: 'failed', error: 'ErrImagePull' };
    await runTimers(context, () => (context.sends.length === 0 ? file(context, ended) : Promise.resolve()));
    expect(outlineOf(sentOf(context))).toContain('r1: 3 in 3, 1 failed');
    expect(context.sends).toHaveLength(1);
  });

  it('gets what comes too late as a late span, whoever still knows its first changes', async () => {
    const context = started();
    await file(context, ...two);
    await runTimers(context);
    context.clock.now += 30 * 3600_000;
    await file(context, { cluster: 'eu-3', release: 'r1', at: -60 });
    await runTimers(context);
    const spans = sentOf(context);
    expect(spans).toHaveLength(4);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const [{ kind, late } = { late: 0 }] = context.remarks.flatMap((remark) =>
      remark.kind === 'settled' && remark.late > 0 ? remark : [],
    );
    expect({ kind, late }).toEqual({ kind: 'settled', late: 1 });
  });

  it('is one of clusters whose clocks differ by minutes; what is stuck where the clock is behind comes as a late span', async () => {
    const context = started();
    const minute = 60;
    await file(context, { cluster: 'ahead', release: 'r1', at: 9 * minute });
    await file(context, { cluster: 'right', release: 'r1' });
    await runTimers(context);
    expect(outlineOf(sentOf(context))).toBe(
      'r1: 2 in 2, 0 failed\n  web in right complete\n  web in ahead complete',
    );
    await file(context, {
      cluster: 'behind',
      release: 'r1',
      at: -9 * minute,
      outcome: 'stalled',
      error: 'ErrImagePull',
    });
    await runTimers(context);
    const spans = sentOf(context);
    expect(spans.map(({ resource }) => resource['k8s.cluster.name'])).toContain('behind');
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('of a thousand changes is sent whole, and told by one record', async () => {
    const context = started();
    const clusters = Array.from({ length: 500 }, (_, i) => `eu-${i}`);
    for (const cluster of clusters)
      await file(
        context,
        { cluster, release: 'r1', at: 60 },
        { cluster, name: 'api', release: 'r1', outcome: 'failed', error: 'ErrImagePull' },
      );
    const records: BusRecord[] = [];
    const bus: RecordsBus = {
      async put(some) {
        records.push(...some);
        return { later: [], refused: [] };
      },
      async postpone() {},
    };
    await runTimers({ ...context, ports: { ...context.ports, records: bus } });
    expect(sentOf(context)).toHaveLength(1001);
    const release = { key: 'r1', clusters: 500, changes: 1000, failed: 500 };
    expect(records).toMatchObject([{ kind: 'release-ended', outcome: 'failed', release }]);
    expect(records.flatMap(faultsOf)).toEqual([]);
  });

  it('by images is none in a stack of one cluster', async () => {
    const images = ['shop:v2'];
    const roots: RootFacts[] = [
      { cluster: 'eu-1', images },
      { cluster: 'eu-2', images },
    ];
    const [one, several] = [started(), { ...started(), releasesByImages: true }];
    await file(one, ...roots);
    expect(one.calls).toEqual([]);
    await file(several, ...roots);
    expect(several.armed).toHaveLength(1);
  });

  it('is the same after a crash at any call', async () => {
    const calls = await countCalls();
    for (let at = 1; at <= calls; at += 1)
      for (const when of ['before', 'after'] as const) {
        const context = started((call) => (call === at ? when : undefined));
        await file(context, two[0]!);
        await file(context, two[1]!);
        await runTimers(context);
        expect(outlineOf(sentOf(context)), `${when} call ${at}`).toBe(told);
      }
  });
});

async function countCalls(): Promise<number> {
  const context = started();
  await file(context, two[0]!);
  await file(context, two[1]!);
  await runTimers(context);
  return context.calls.length;
}
