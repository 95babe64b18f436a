/** The example of docs/rules.md: what the page shows before and after is what becomes of the Events that it lists. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { assemble } from '../../../../../functions/correlator/causality/assemble.ts';
import { withUserRows } from '../../../../../functions/correlator/causality/rules/built-in-rules.ts';
import { readRules } from '../../../../../functions/correlator/causality/rules/read-rules.ts';
import { atTheEnd, event, outline, snapshot, thing } from '../cluster-story.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../../../docs/rules.md'), 'utf8');
const [, rules = ''] = /```yaml\n([\s\S]*?)```/.exec(page)!;

const shopCluster = thing('ShopCluster', 'main');
const gone = { ...thing('Pod', 'main-0'), uid: 'p1' };
const anew = { ...thing('Pod', 'main-0', shopCluster), uid: 'p2' };
const told = [
  event(0, shopCluster, 'Replacing', 'Replacing replica main-0: its volume is full'),
  event(2, gone, 'Killing', 'Stopping container app'),
  snapshot(33, anew),
  event(33, anew, 'Scheduled', 'Successfully assigned shop/main-0 to n1'),
  event(36, anew, 'Started', 'Started container app'),
];
const traces = (...rows: Parameters<typeof withUserRows>) =>
  outline(
    assemble({ cluster: {}, observations: told, now: atTheEnd, rules: withUserRows(...rows) }).map(
      ({ span }) => span,
    ),
  );

/** The spans of a block of the page: indented by four, names and objects only. */
const shownAfter = (heading: string): string => {
  const [block] = /^(?:(?: {4}.*)?\n)+/.exec(page.slice(page.indexOf(heading) + heading.length))!;
  return block
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /^ *\S+ \S+/.exec(line.slice(4))![0])
    .join('\n');
};

it('without rules the old pod’s end is a trace of its own', () => {
  expect(traces([])).toBe(shownAfter('so why it went nobody knows:'));
});

it('with them it hangs below what the operator says', () => {
  expect(traces(readRules(rules, 'rules.yaml'))).toBe(
    shownAfter("Now the old pod's end hangs below what caused it:"),
  );
});
