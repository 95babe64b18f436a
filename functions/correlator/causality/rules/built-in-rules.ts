/** The rows that everybody has. */

import type { EventRow } from './event-row.ts';
import { builtInRows } from './index.ts';
import { createRuleSet, type RuleSet } from './rule-set.ts';

export const builtInRules = createRuleSet(builtInRows);

/** A user's own rows come first: they may say of a built-in one that it is otherwise. */
export const withUserRows = (rows: readonly EventRow[]): RuleSet =>
  rows.length === 0 ? builtInRules : createRuleSet([...rows, ...builtInRows]);
