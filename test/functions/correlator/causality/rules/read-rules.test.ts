import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkRules,
  toWrittenRules,
} from '../../../../../functions/correlator/causality/rules/check-rules.ts';
import { builtInRows } from '../../../../../functions/correlator/causality/rules/index.ts';
import { linearPattern } from '../../../../../functions/correlator/causality/rules/linear-pattern.ts';
import { readRules } from '../../../../../functions/correlator/causality/rules/read-rules.ts';
import { UserError } from '../../../../../shared/errors.ts';

const read = (text: string) => readRules(text, 'rules.yaml');

const replaced = `
rules:
  - subject: Shop
    reason: PodReplaced
    message: '^Replacing pod (?<name>\\S+): '
    effect: removes
    target: Pod
    controls: true
    example: 'Replacing pod shop-0: image is outdated'
    source: shop-operator v1.2
`;

/** One rule, with some of its lines changed or (null) left out. */
const rule = (change: Record<string, unknown>) => {
  const row = {
    subject: 'Shop',
    reason: 'PodReplaced',
    message: '^Replacing pod (?<name>\\S+): ',
    effect: 'removes',
    target: 'Pod',
    example: 'Replacing pod shop-0: image is outdated',
    ...change,
  };
  const lines = Object.entries(row).filter(([, value]) => value !== null);
  return `rules:\n- ${lines.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join('\n  ')}\n`;
};

describe('rules are read', () => {
  it('as rows', () => {
    const [row, ...others] = read(replaced);
    expect(others).toEqual([]);
    expect(row).toEqual({
      subject: 'Shop',
      reason: 'PodReplaced',
      message: expect.any(RegExp),
      effect: 'removes',
      target: 'Pod',
      controls: true,
      example: 'Replacing pod shop-0: image is outdated',
      source: 'shop-operator v1.2',
    });
    expect(row!.message!.exec('Replacing pod shop-1: gone')?.groups).toEqual({ name: 'shop-1' });
  });

  it('from the documentation, which shows one that works', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../../../docs/rules.md'), 'utf8');
    const [, yaml] = /```yaml\n(rules:\n[\s\S]*?)```/.exec(page)!;
    expect(read(yaml!).length).toBeGreaterThan(0);
  });

  it('with the file for a source where none is given, and a target that the Event’s related names', () => {
    expect(read(rule({ message: null }))[0]).toMatchObject({ source: 'rules.yaml, rules[0]', target: 'Pod' });
  });

  it('and are the same again where another process checks them', () => {
    const text = JSON.stringify(toWrittenRules(builtInRows));
    const rows = checkRules(JSON.parse(text), 'rules.json');
    expect(rows.map(({ message, ...row }) => [row, message?.source])).toEqual(
      builtInRows.map(({ message, ...row }) => [row, message?.source]),
    );
  });

  it('without any', () => {
    expect(read('rules: []')).toEqual([]);
  });

  it.each([
    ['', 'rules.yaml: no list of rules; write "rules:" and below it a "- subject: …" for each'],
    ['rules: [', 'rules.yaml:1: not YAML (Flow sequence in block collection must be sufficiently indented'],
    ['rules: []\nrule: []', 'rules.yaml: rule is not known; all rows stand below "rules:"'],
    ['a: &a 1\nrules: [*a]', 'rules.yaml:2: *a: write it out; aliases are not read'],
    ['rules: [1]', 'rules.yaml: rules[0]: should be a map with subject, reason and example'],
  ])('%j: %s', (text, line) => {
    expect(() => read(text)).toThrow(line);
  });

  it('and no more than people write', () => {
    const many = `rules:\n${'- {subject: A, reason: b, phase: true, example: c}\n'.repeat(501)}`;
    expect(() => read(many)).toThrow('rules.yaml: has 501 rules, and 500 are the most');
    expect(() => read(`rules: # ${'x'.repeat(131_072)}`)).toThrow('rules.yaml: larger than 128 kB');
  });

  it.each([
    [{ mesage: 'x' }, 'mesage is not known; is message meant?'],
    [{ weight: 1 }, 'weight is not known; known are subject, reason, message, '],
    [{ subject: 'shops' }, 'subject should be a kind, like Deployment'],
    [{ reason: null }, 'reason is missing'],
    [{ example: null }, 'example is missing'],
    [{ example: '' }, 'example is empty'],
    [{ phase: false }, 'phase should be true, is boolean'],
    [{ outcome: 'ok' }, 'outcome should be complete or failed'],
    [{ cause: 'out of disk' }, 'cause should be a name, like ErrImagePull'],
    [{ message: 'x'.repeat(501) }, 'message is longer than 500 characters'],
    [{ message: null, effect: null, target: null }, 'says nothing; give at least one of effect, direction, '],
    [
      { effect: 'deletes' },
      'effect should be creates, removes, scales, rescales, observes, awaits or applies',
    ],
    [{ effect: null }, 'target is of no use without effect'],
    [{ target: null }, 'effect removes needs a target'],
    [{ target: 'pod' }, 'target should be a kind like Pod, or subject, scaleTargetRef or message'],
    [{ effect: null, target: null, phase: true, controls: true }, 'controls is of no use without effect'],
    [{ disruption: 'preempted' }, 'disruption is of Pods only'],
    [{ message: '^Replacing pods ' }, 'message does not fit its own example'],
    [
      { message: '^Replacing pod \\S+: ' },
      'target Pod needs a group (?<name>…) in message that its example fills',
    ],
    [
      { message: '^Replacing pod (?<nam>\\S+): ' },
      'message has a group nam, which is not known; is name meant?',
    ],
    [{ target: 'message' }, 'target message needs a group (?<kind>…) in message that its example fills'],
    [
      { target: 'message', message: '^Replacing (?<kind>\\S+) (?<name>\\S+): ' },
      'the group kind is pod in the example: no kind',
    ],
    [{ message: '(' }, 'message is no pattern of RE2: missing closing ): `(`'],
    [
      { message: '^(?=Replacing)' },
      'message is no pattern of RE2: invalid or unsupported Perl syntax: `(?=`',
    ],
    [{ message: '(R).*\\1' }, 'message is no pattern of RE2: invalid escape sequence: `\\1`'],
    [{ message: '\\p{L}+' }, 'message is no pattern of RE2: '],
    [{ message: '(?:\\S{100}){9}(?:\\S{100}){9}' }, 'message is no pattern of RE2: repeats too much'],
  ])('and one that is wrong is a line that names it: %j', (change, what) => {
    const { reason } = { reason: 'PodReplaced', ...change };
    const name = 'subject' in change ? `${change.subject}.${reason}` : `Shop.${reason ?? '?'}`;
    const fail = () => read(rule(change));
    expect(fail).toThrow(UserError);
    expect(fail).toThrow(`rules.yaml: rules[0] (${name}): ${what}`);
    try {
      fail();
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });

  it('and one that is hidden by another is told', () => {
    const general = '  - {subject: Shop, reason: PodReplaced, phase: true, example: x}\n';
    const specific = replaced.replace('\nrules:\n', '');
    expect(() => read(`rules:\n${general}${specific}`)).toThrow(
      'rules.yaml: rules[1] (Shop.PodReplaced): its example is already taken by rules[0]; put the narrower message first',
    );
    expect(read(`rules:\n${specific}${general}`)).toHaveLength(2);
  });
});

describe('a pattern that RE2 carries out', () => {
  it.each(builtInRows.flatMap(({ message, example }) => (message ? [[message, example] as const] : [])))(
    'finds what a RegExp finds: %s',
    (message, example) => {
      const pattern = linearPattern(message.source);
      for (const text of [example, `${example} and more`, 'nothing of it', '']) {
        const [found, expected] = [pattern.exec(text), message.exec(text)];
        expect(found && [...found]).toEqual(expected && [...expected]);
        expect(found?.index).toBe(expected?.index);
        expect({ ...found?.groups }).toEqual({ ...expected?.groups });
        expect(pattern.test(text)).toBe(message.test(text));
      }
    },
  );

  it.each(['(a+)+$', '(a|aa)+$', '(a|a)*b', '^a*a*a*a*a*a*$', '(?:.*)*x'])(
    'and %s takes no longer',
    (source) => {
      const began = performance.now();
      expect(linearPattern(source).test(`${'a'.repeat(10_000)}!`)).toBe(false);
      expect(performance.now() - began).toBeLessThan(2000);
    },
  );
});
