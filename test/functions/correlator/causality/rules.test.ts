import { describe, expect, it } from 'vitest';
import {
  directionOf,
  disruptions,
  driverRules,
  matchDriver,
  nodeEffectOf,
  nodeEffects,
  nodeTurns,
  phases,
  revisionMessages,
  revisionOf,
  verdicts,
} from '../../../../functions/correlator/causality/rules.ts';
import {
  isShippedAnnotation,
  isShippedLabel,
  ownershipAnnotations,
  ownershipLabels,
} from '../../../../shared/snapshot-fields.ts';

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** The tables for people who don't read code. */
const listed = [
  '# What Rootspan understands',
  '',
  'Written by its test from the tables in `rules.ts` (`npx vitest run --config test/vitest.config.ts rules -u`). An Event',
  'that no row knows is no less a span: it hangs where its object does.',
  '',
  '## Events that act on another object',
  '',
  row('Event', 'what it does', 'as the controller writes it', 'source'),
  row('---', '---', '---', '---'),
  ...driverRules.map(({ subject, reason, effect, target, example, source }) =>
    row(`${subject}.${reason}`, `${effect} ${target === 'subject' ? 'itself' : target}`, example, source),
  ),
  '',
  '## Why a pod goes: its condition DisruptionTarget',
  '',
  row('reason', 'cause'),
  row('---', '---'),
  ...Object.entries(disruptions).map(([reason, cause]) => row(reason, cause)),
  '',
  '## What happens to a Node, and what it does to its pods',
  '',
  row('Event', 'turn', 'as the controller writes it'),
  row('---', '---', '---'),
  ...Object.entries(nodeTurns).map(([reason, turn]) => row(`Node.${reason}`, turn, '')),
  ...nodeEffects.map(({ reason, turn, example }) => row(`Pod.${reason}`, turn, example)),
  '',
  '## Events that say how a change ended',
  '',
  row('Event', 'outcome'),
  row('---', '---'),
  ...Object.entries(verdicts).flatMap(([kind, reasons]) =>
    Object.entries(reasons).map(([reason, outcome]) => row(`${kind}.${reason}`, outcome)),
  ),
  '',
  'Deployments, StatefulSets, DaemonSets and Jobs say it in their status.',
  '',
  '## Events that last until the next one on the same object',
  '',
  [...phases].join(', '),
  '',
].join('\n');

it('is listed for people', async () => {
  await expect(listed).toMatchFileSnapshot('../../../../functions/correlator/causality/RULES.md');
});

describe('the rule table', () => {
  it.each(driverRules.map((rule) => [rule.subject, rule.reason, rule] as const))(
    '%s.%s reads its example message, folded or not',
    (subject, reason, rule) => {
      expect(matchDriver(subject, reason, rule.example)?.rule).toBe(rule);
      expect(matchDriver(subject, reason, `(combined from similar events): ${rule.example}`)?.rule).toBe(
        rule,
      );
    },
  );

  it.each(
    driverRules.filter(({ target }) => /^[A-Z]/.test(target)).map((rule) => [rule.example, rule] as const),
  )('"%s" names its target', (message, { subject, reason }) => {
    expect(message).toContain(matchDriver(subject, reason, message)!.name);
  });

  it('reads how many a scaling adopts, in the words of every release', () => {
    const scaling = (message: string) => {
      const { name, from, to } = matchDriver('Deployment', 'ScalingReplicaSet', message)!;
      return { name, from, to };
    };
    expect(scaling('Scaled up replica set web-1 from 0 to 3')).toEqual({ name: 'web-1', from: 0, to: 3 });
    expect(scaling('Scaled down replica set web-1 to 2 from 3')).toEqual({ name: 'web-1', from: 3, to: 2 });
    expect(scaling('Scaled up replica set web-1 to 3')).toEqual({ name: 'web-1', from: undefined, to: 3 });
  });

  it('reads both spellings of the StatefulSet controller', () => {
    expect(
      matchDriver('StatefulSet', 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful')?.name,
    ).toBe('db-0');
  });

  it('does not take a restart for a tear-down', () => {
    expect(directionOf('Killing', 'Container app failed liveness probe, will be restarted')).toBe('start-up');
    expect(directionOf('Killing', 'Stopping container app')).toBe('tear-down');
    expect(directionOf('Unhealthy', 'Readiness probe failed: …')).toBe('none');
  });

  it.each(nodeEffects.map((row) => [row.example, row] as const))(
    '"%s" speaks of the Node',
    (message, { reason, turn }) => {
      expect(nodeEffectOf(reason, message)).toBe(turn);
      expect(directionOf(reason, message)).toBe('none');
    },
  );

  it.each(revisionMessages.map((row) => [row.example, row] as const))(
    '"%s" names the commit',
    (message, { subject, reason }) => {
      expect(revisionOf(subject, reason, message, undefined)?.revision).toMatch(/^[0-9a-f]{40}$/);
    },
  );

  it('reads what Flux says that it synced', () => {
    const revision = (text: string) =>
      revisionOf('Kustomization', 'Progressing', '', { 'kustomize.toolkit.fluxcd.io/revision': text });
    expect(revision('main@sha1:53e28ff2')).toEqual({ name: 'main', revision: '53e28ff2' });
    expect(revision('6.3.5')).toEqual({ name: undefined, revision: '6.3.5' });
    expect(revisionOf('Kustomization', 'Progressing', '', { topLevelSpan: 'true' })).toBeUndefined();
  });

  it('ships every label and annotation that the rules read', () => {
    expect(ownershipLabels.filter((key) => !isShippedLabel(key))).toEqual([]);
    expect(ownershipAnnotations.filter((key) => !isShippedAnnotation(key))).toEqual([]);
  });

  it('leaves what it does not know alone', () => {
    expect(matchDriver('Rocket', 'SuccessfulCreate', 'Created pod: web-1')).toBeUndefined();
    expect(matchDriver('ReplicaSet', 'SuccessfulCreate', 'Something else')).toBeUndefined();
  });
});
