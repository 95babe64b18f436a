import { describe, expect, it } from 'vitest';
import { revisionOf } from '../../../../functions/correlator/causality/find-syncs.ts';
import type { Occurrence } from '../../../../functions/correlator/causality/gather-occurrences.ts';
import {
  episode,
  inRelease,
  placementRules,
  sentBefore,
} from '../../../../functions/correlator/causality/placement/placement-rules.ts';
import { builtInRules } from '../../../../functions/correlator/causality/rules/built-in-rules.ts';
import { causeOrder } from '../../../../functions/correlator/causality/rules/causes.ts';
import { disruptions } from '../../../../functions/correlator/causality/rules/disruptions.ts';
import type { EventRow } from '../../../../functions/correlator/causality/rules/event-row.ts';
import { rowsByProject } from '../../../../functions/correlator/causality/rules/index.ts';
import { createRuleSet } from '../../../../functions/correlator/causality/rules/rule-set.ts';
import { hasUsualGroup } from '../../../../shared/group-kind.ts';
import {
  isShippedAnnotation,
  isShippedLabel,
  ownershipAnnotations,
  ownershipLabels,
} from '../../../../shared/snapshot-fields.ts';
import { event } from './cluster-story.ts';

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** What a row says of a reason, in words. */
function meaningOf({ effect, target, direction, phase, outcome, disruption, turn, begins, cause }: EventRow) {
  return [
    effect === undefined ? '' : `${effect} ${target === 'subject' ? 'itself' : target}`,
    direction === undefined || direction === 'none' ? '' : direction,
    phase === true ? 'lasts' : '',
    outcome === undefined ? '' : `ends as ${outcome}`,
    disruption === undefined ? '' : `disruption: ${disruption}`,
    turn === undefined ? '' : `Node ${turn}`,
    begins === undefined ? '' : `begins: ${begins}`,
    cause === undefined ? '' : `cause: ${cause}`,
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** The tables for people who don't read code. */
const listed = [
  '# What Rootspan understands',
  '',
  'Written by its test from the rules themselves (`npx vitest run --config test/vitest.config.ts rules.test -u`). An Event',
  'that no row knows is no less a span: it hangs by its object’s owners, by times and by what the objects say of themselves.',
  '',
  '## Why a span hangs where it does',
  '',
  'The first of these rules that has an answer places it; its name is the span’s `rootspan.because`.',
  '',
  row('rule', 'it hangs there because …'),
  row('---', '---'),
  ...[...placementRules, episode, sentBefore, inRelease].map(({ name, why }) => row(name, why)),
  '',
  '## Why a pod goes: its condition DisruptionTarget',
  '',
  row('reason', 'disruption'),
  row('---', '---'),
  ...Object.entries(disruptions).map(([reason, cause]) => row(reason, cause)),
  '',
  '## Causes, the deepest first',
  '',
  'Of several that kept a change from getting there the first one in this list is its `error.type`.',
  '',
  causeOrder.join(', '),
  ...Object.entries(rowsByProject).flatMap(([project, rows]) => [
    '',
    `## ${project}`,
    '',
    row('Event', 'what it says', 'as the controller writes it', 'source'),
    row('---', '---', '---', '---'),
    ...rows.map((one) => row(`${one.subject}.${one.reason}`, meaningOf(one), one.example, one.source)),
  ]),
  '',
].join('\n');

it('is listed for people', async () => {
  await expect(listed).toMatchFileSnapshot('../../../../docs/what-it-understands.md');
});

describe('the rows', () => {
  it('read how many a scaling adopts, in the words of every release', () => {
    const scaling = (message: string) => {
      const { name, from, to } = builtInRules.match({ kind: 'Deployment' }, 'ScalingReplicaSet', message)!;
      return { name, from, to };
    };
    expect(scaling('Scaled up replica set web-1 from 0 to 3')).toEqual({ name: 'web-1', from: 0, to: 3 });
    expect(scaling('Scaled down replica set web-1 to 2 from 3')).toEqual({ name: 'web-1', from: 3, to: 2 });
    expect(scaling('Scaled up replica set web-1 to 3')).toEqual({ name: 'web-1', from: undefined, to: 3 });
  });

  it('read folded messages as the message itself', () => {
    const folded = '(combined from similar events): Created pod: web-1-a';
    expect(builtInRules.match({ kind: 'ReplicaSet' }, 'SuccessfulCreate', folded)?.name).toBe('web-1-a');
  });

  it('do not take a restart for a tear-down', () => {
    const direction = (reason: string, message: string) =>
      builtInRules.match({ kind: 'Pod' }, reason, message)?.row.direction;
    expect(direction('Killing', 'Container app failed liveness probe, will be restarted')).toBe('start-up');
    expect(direction('Killing', 'Stopping container app')).toBe('tear-down');
    expect(direction('Unhealthy', 'Readiness probe failed: …') ?? 'none').toBe('none');
  });

  it('are of a kind and a reason: what no row declares is neither start-up nor tear-down, and an instant', () => {
    expect(builtInRules.match({ kind: 'Service' }, 'Pulling', 'Pulling image "web"')).toBeUndefined();
    expect(builtInRules.match({ kind: 'Pod' }, 'SomethingHappened', '')).toBeUndefined();
    expect(builtInRules.match({ kind: 'Rocket' }, 'SuccessfulCreate', 'Created pod: web-1')).toBeUndefined();
  });

  it('of a user come before the built-in ones', () => {
    const own: EventRow = { subject: 'Pod', reason: 'Killing', direction: 'none', example: 'x', source: 'y' };
    const rules = createRuleSet([own, ...Object.values(rowsByProject).flat()]);
    expect(rules.match({ kind: 'Pod' }, 'Killing', 'Stopping container app')?.row).toBe(own);
  });
});

describe('what is synced', () => {
  const sync = (text: string, count = 1): Occurrence =>
    ({
      at: 0n,
      match: undefined,
      event: event(0, { kind: 'Kustomization', name: 'app', uid: 'k' }, 'Progressing', '', {
        count,
        annotations: { 'kustomize.toolkit.fluxcd.io/revision': text },
      }).event,
    }) as unknown as Occurrence;
  const unseen = { history: undefined };

  it('is what Flux writes on its Events', () => {
    expect(revisionOf(sync('main@sha1:53e28ff2'), unseen)).toEqual({ name: 'main', revision: '53e28ff2' });
    expect(revisionOf(sync('6.3.5'), unseen)).toEqual({ name: undefined, revision: '6.3.5' });
  });

  it('is not what a repeat still says of its first occurrence', () => {
    expect(revisionOf(sync('main@sha1:53e28ff2', 2), unseen)).toBeUndefined();
  });
});

it('ships every label and annotation that the rules read', () => {
  expect(ownershipLabels.filter((key) => !isShippedLabel(key))).toEqual([]);
  expect(ownershipAnnotations.filter((key) => !isShippedAnnotation(key))).toEqual([]);
});

describe('kinds of one name in different groups', () => {
  it('are told apart: a row is of the usual one, or of the group that it names', () => {
    const controller = { kind: 'Service', apiVersion: 'v1' };
    const knative = { kind: 'Service', apiVersion: 'serving.knative.dev/v1' };
    const isKnown = (subject: { kind: string; apiVersion?: string }) =>
      builtInRules.match(subject, 'Created', 'Created Route "hello"') !== undefined;
    expect([controller, knative, { kind: 'Service' }].map(isKnown)).toEqual([false, true, false]);

    const completed = (apiVersion: string) =>
      builtInRules.match({ kind: 'Job', apiVersion }, 'Completed', 'Job completed')?.row.outcome;
    expect(completed('batch/v1')).toBe('complete');
    expect(completed('batch.volcano.sh/v1alpha1')).toBeUndefined();
  });

  it('of a kind that nobody here knows any is meant', () => {
    const rules = createRuleSet([
      { subject: 'Shop', reason: 'Opened', outcome: 'complete', example: '', source: '' },
    ]);
    for (const subject of [{ kind: 'Shop' }, { kind: 'Shop', apiVersion: 'shops.example.com/v1' }])
      expect(rules.match(subject, 'Opened', '')?.row.outcome).toBe('complete');
  });

  it('each row says which it means', () => {
    const kinds = Object.values(rowsByProject).flatMap((rows) => rows.map(({ subject }) => subject));
    expect(kinds.filter((kind) => !kind.includes('/') && !hasUsualGroup(kind))).toEqual([]);
  });
});
