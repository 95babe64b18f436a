import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleReleases } from '../../../../functions/correlator/releases/assemble-releases.ts';
import { readReleaseChange } from '../../../../functions/correlator/releases/release-change.ts';
import { mostTold } from '../../../../functions/correlator/releases/write-release.ts';
import { recordOfEnd } from '../../../../shared/change-record.ts';
import { compareSpans, type Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import {
  assembled,
  atTheEnd,
  changeRoot,
  changesOf,
  clockAt,
  outlineOf,
  type RootFacts,
  times,
} from './change-roots.ts';

const commit = '5d4f1c'.padEnd(40, '0');
const release = (...roots: readonly RootFacts[]) => outlineOf(assembled(changesOf(...roots)));

describe('a release', () => {
  it('is the changes of one revision, in all clusters and workloads', () =>
    expect(
      release(
        { cluster: 'eu-1', revision: commit },
        { cluster: 'eu-1', name: 'api', revision: commit, at: 1 },
        { cluster: 'eu-2', revision: commit, at: 2, outcome: 'failed', error: 'ErrImagePull' },
      ),
    ).toBe(
      [
        `${commit}: 3 in 2, 1 failed ERROR`,
        '  web in eu-1 complete',
        '  api in eu-1 complete',
        '  web in eu-2 failed',
      ].join('\n'),
    ));

  it('says what failed, where, and why', () => {
    const spans = assembled(
      changesOf(
        { cluster: 'eu-1', revision: commit },
        { cluster: 'eu-3', revision: commit, at: 1, took: 600, outcome: 'stalled', error: 'ErrImagePull' },
      ),
    );
    expect(spans.find(({ parentSpanId }) => parentSpanId === null)).toMatchObject({
      name: 'Release.Rollout',
      status: { message: '1 of 2 changes did not get there: Deployment shop/web in eu-3 (ErrImagePull)' },
      attributes: {
        'error.type': 'ErrImagePull',
        'vcs.ref.head.revision': commit,
        'rootspan.release.duration': 601,
      },
    });
  });

  it.each([
    [['complete', 'complete'], 'complete'],
    [['complete', 'unknown'], 'complete'],
    [['unknown', 'unknown'], 'unknown'],
    [['complete', 'superseded'], 'superseded'],
    [['superseded', 'unknown', 'unfinished'], 'unfinished'],
    [['superseded', 'stalled'], 'failed'],
    [['unfinished', 'failed', 'complete'], 'failed'],
  ])('of changes that came to %s comes to %s, whichever came first', (outcomes, expected) => {
    for (const some of [outcomes, outcomes.toReversed()]) {
      const spans = assembled(
        changesOf(...some.map((outcome, i) => ({ cluster: `c${i}`, release: 'r1', at: i, outcome }))),
      );
      const [root] = spans.filter(({ parentSpanId }) => parentSpanId === null);
      expect(root!.attributes['rootspan.release.outcome']).toBe(expected);
      expect(recordOfEnd(root!)).toMatchObject({ kind: 'release-ended', outcome: expected });
      expect(root!.status.code).toBe(['failed', 'unfinished'].includes(expected) ? 'ERROR' : 'UNSET');
    }
  });

  it('did not get there where a change was replaced while it was failing', () =>
    expect(
      release(
        { cluster: 'eu-1', release: 'r1' },
        { cluster: 'eu-3', release: 'r1', at: 1, outcome: 'superseded', error: 'ErrImagePull' },
      ),
    ).toContain('2 in 2, 1 failed ERROR\n'));

  it('lasts from the first start to the last end, and links each change to its own trace', () => {
    const roots = [
      changeRoot({ cluster: 'eu-1', release: 'r1', at: 5, took: 60 }),
      changeRoot({ cluster: 'eu-2', release: 'r1', at: 10, took: 2 }),
    ];
    const spans = assembled(roots.flatMap((root) => readReleaseChange(root) ?? []));
    const [head] = spans.filter(({ parentSpanId }) => parentSpanId === null);
    expect([head!.startTimeUnixNano, head!.endTimeUnixNano]).toEqual([
      roots[0]!.startTimeUnixNano,
      roots[0]!.endTimeUnixNano,
    ]);
    expect(spans.flatMap(({ links }) => links)).toEqual(
      roots.map(({ traceId, spanId }) => ({ traceId, spanId, attributes: { 'rootspan.link': 'release' } })),
    );
  });

  it('knows a repository by all its addresses, and one revision of two repositories for two', () => {
    const of = (cluster: string, repository: string): RootFacts => ({
      cluster,
      repository,
      revision: '1.2.0',
    });
    expect(
      release(
        of('eu-1', 'https://bot:secret@github.com/acme/shop.git'),
        of('eu-2', 'git@github.com:acme/shop'),
      ),
    ).toContain('github.com/acme/shop@1.2.0: 2 in 2');
    expect(
      release(of('eu-1', 'https://github.com/acme/shop'), of('eu-2', 'https://github.com/acme/bar')),
    ).toBe('');
  });

  it('is none where a revision that is no hash has no repository: a chart’s version is anybody’s', () =>
    expect(release({ cluster: 'eu-1', revision: '1.2.0' }, { cluster: 'eu-2', revision: '1.2.0' })).toBe(''));

  it('is by images where two clusters took them, and not within one', () => {
    const images = ['shop:v2'];
    expect(release({ cluster: 'eu-1', images }, { cluster: 'eu-2', images })).toContain('2 in 2');
    expect(release({ cluster: 'eu-1', images }, { cluster: 'eu-1', images, generation: 4 })).toBe('');
    expect(release({ cluster: 'eu-1', images }, { cluster: 'eu-2', name: 'api', images })).toBe('');
  });

  it('has no scalings, restarts, deletions and runs of its revision', () => {
    const restartedAt = 'spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]';
    const other = { cluster: 'eu-2', release: 'r1' };
    for (const nothing of [
      { fields: ['spec.replicas'] },
      { fields: ['metadata.annotations', restartedAt] },
      { operation: 'Delete' },
      { verb: 'Scale', fields: null },
      { verb: 'Run' },
    ])
      expect(release({ cluster: 'eu-1', release: 'r1', ...nothing }, other)).toBe('');
    const both = [restartedAt, 'spec.template.spec.containers[app].image'];
    expect(release({ cluster: 'eu-1', release: 'r1', verb: 'Restart', fields: both }, other)).toContain(
      '2 in 2',
    );
  });

  const elsewhere = { cluster: 'eu-1', revision: commit };
  it('tells of a sync only that it failed before anything was changed', () => {
    const sync = { cluster: 'eu-2', name: 'apps', operation: 'Sync', revision: commit, outcome: 'failed' };
    expect(release({ ...sync, error: 'BuildFailed' }, elsewhere)).toContain('2 in 2, 1 failed');
    expect(release({ ...sync, error: 'HealthCheckFailed' }, elsewhere)).toBe('');
    expect(release({ ...sync, outcome: 'complete' }, elsewhere)).toBe('');
  });
  it.each(['Kustomization', 'HelmRelease', 'Application'])(
    'tells no more of the first sync of a %s',
    (kind) => {
      const created = { cluster: 'eu-2', name: 'apps', kind, operation: 'Create', revision: commit };
      expect(release(created, elsewhere)).toBe('');
      expect(release({ ...created, outcome: 'failed', error: 'BuildFailed' }, elsewhere)).toContain(
        '1 failed',
      );
    },
  );
  it('does not tell of where it comes from', () =>
    expect(
      release({ cluster: 'eu-2', kind: 'GitRepository', revision: commit, outcome: 'failed' }, elsewhere),
    ).toBe(''));

  it('is split where an hour went by between two starts: a revision that is rolled back and forth is two', () => {
    const there = { release: 'r1', cluster: 'eu-1' };
    const both = (generation: number, at: number): RootFacts[] => [
      { ...there, generation, at },
      { ...there, cluster: 'eu-2', generation, at: at + 60 },
    ];
    const spans = assembled(changesOf(...both(2, 0), ...both(4, 60 + 3601), ...both(6, 120 + 3601 + 3600)));
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === null);
    expect(roots.map(({ attributes }) => attributes['rootspan.release.changes']).sort()).toEqual([2, 4]);
  });

  it('waits until what is stuck has its root', () => {
    const changes = changesOf({ cluster: 'eu-1', release: 'r1' }, { cluster: 'eu-2', release: 'r1', at: 60 });
    const { spans, nextAt } = assembleReleases({ changes, ...times, now: clockAt(4800) });
    expect({ spans, nextAt }).toEqual({ spans: [], nextAt: clockAt(4860) });
    expect(assembled(changes, [], clockAt(4860))).toHaveLength(3);
  });

  it('waits for a change that is under way, for so long after its last word, and no longer than six hours', () => {
    const changes = changesOf({ cluster: 'eu-1', release: 'r1' }, { cluster: 'eu-2', release: 'r1', at: 60 });
    const slow: RootFacts = { cluster: 'eu-3', release: 'r1', at: 30, outcome: 'unfinished' };
    const waits = (heard: number, now: number, more: readonly RootFacts[] = []) =>
      assembleReleases({
        changes: [...changes, ...changesOf(...more)],
        open: changesOf(slow).map((change) => ({ change, heardAt: clockAt(heard) })),
        ...times,
        now: clockAt(now),
      });
    expect(waits(4500, 4860)).toEqual({ spans: [], nextAt: clockAt(4500 + 4800) });
    expect(waits(4500, 9300).spans).toHaveLength(3);
    expect(waits(21_000, 21_599)).toEqual({ spans: [], nextAt: clockAt(21_600) });
    expect(waits(21_000, 21_600).spans).toHaveLength(3);
    const ended = waits(9000, 9060, [{ ...slow, outcome: 'stalled', error: 'ErrImagePull', took: 8990 }]);
    expect(outlineOf(ended.spans)).toContain('r1: 3 in 3, 1 failed');
  });

  it('of more than a thousand changes says how many are left out, and shows those that failed', () => {
    const many = Array.from({ length: mostTold + 5 }, (_, i) => ({
      cluster: `c${i}`,
      release: 'r1',
      at: i,
      outcome: i > mostTold ? 'failed' : 'complete',
    }));
    const spans = assembled(changesOf(...many));
    expect(spans).toHaveLength(mostTold + 1);
    expect(spans.find(({ parentSpanId }) => parentSpanId === null)!.attributes).toMatchObject({
      'rootspan.release.changes': mostTold + 5,
      'rootspan.release.left_out': 5,
      'rootspan.release.failed': 4,
    });
    expect(spans.filter(({ attributes }) => attributes['rootspan.change.outcome'] === 'failed')).toHaveLength(
      4,
    );
    expect(assembled(changesOf(...many), spans)).toEqual([]);
  });
});

describe('what was sent of a release', () => {
  const first = changesOf({ cluster: 'eu-1', release: 'r1' }, { cluster: 'eu-2', release: 'r1', at: 60 });
  const sent = assembled(first);

  it('is not sent again', () => expect(assembled(first, sent)).toEqual([]));

  it('gets what comes a day late as a new span, also where that began before it', () => {
    const late = changesOf({ cluster: 'eu-3', release: 'r1', at: -30 });
    const [span, ...others] = assembled([...first, ...late], sent);
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      traceId: sent[0]!.traceId,
      parentSpanId: sent.find((one) => one.parentSpanId === null)!.spanId,
    });
    // Nobody may know the first ones any more.
    expect(assembled(late, sent)).toEqual([span]);
  });
});

const facts: fc.Arbitrary<RootFacts> = fc.record({
  cluster: fc.constantFrom('eu-1', 'eu-2', 'us-1'),
  name: fc.constantFrom('web', 'api'),
  generation: fc.integer({ min: 2, max: 6 }),
  at: fc.integer({ min: -10_000, max: 10_000 }),
  took: fc.integer({ min: 0, max: 100 }),
  outcome: fc.constantFrom('complete', 'failed', 'superseded', 'stalled', 'unfinished', 'unknown'),
  release: fc.constantFrom('r1', 'r2'),
});
const stories = fc
  .array(facts, { maxLength: 20 })
  .chain((some) =>
    fc.tuple(fc.constant(some), fc.shuffledSubarray([...some, ...some], { minLength: some.length })),
  );
const printed = (spans: readonly Span[]) => JSON.stringify(spans);

describe('assembly of releases', () => {
  it('is a function of the set', () =>
    checkProperty(
      fc.property(stories, ([some, others]) => {
        const both = [...others, ...some];
        expect(printed(assembled(changesOf(...both)))).toBe(
          printed(assembled(changesOf(...both.toReversed()))),
        );
        expect(printed(assembled(changesOf(...both)))).toBe(printed(assembled(changesOf(...some))));
      }),
    ));

  it('reads the same from what is stored of a change', () =>
    checkProperty(
      fc.property(facts, (some) => {
        const [change] = changesOf(some);
        expect(readReleaseChange(change!.root)).toEqual(change);
      }),
    ));

  it('tells each change once, in a trace with one root, whenever it is asked and whatever was sent', () =>
    checkProperty(
      fc.property(fc.array(fc.array(facts, { maxLength: 8 }), { maxLength: 4 }), (waves) => {
        const sent: Span[] = [];
        const known: RootFacts[] = [];
        for (const [i, wave] of waves.entries()) {
          known.push(...wave);
          const now = i === waves.length - 1 ? atTheEnd : clockAt(i * 4000);
          sent.push(...assembled(changesOf(...known), sent, now));
        }
        expect(new Set(sent.map(({ spanId }) => spanId)).size).toBe(sent.length);
        const roots = new Map(
          sent.flatMap((span) => (span.parentSpanId === null ? [[span.spanId, span]] : [])),
        );
        for (const { parentSpanId, traceId } of sent)
          if (parentSpanId !== null) expect(roots.get(parentSpanId)?.traceId).toBe(traceId);
        for (const { traceId, attributes } of roots.values()) {
          const told = sent.filter((span) => span.traceId === traceId).length - 1;
          expect(told).toBeGreaterThanOrEqual(Number(attributes['rootspan.release.changes']));
        }
        expect(sent.toSorted(compareSpans)).toHaveLength(sent.length);
      }),
    ));
});
