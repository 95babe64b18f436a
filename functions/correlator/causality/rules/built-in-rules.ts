/** The rows that everybody has. */
import { builtInRows } from './index.ts';
import { createRuleSet } from './rule-set.ts';

export const builtInRules = createRuleSet(builtInRows);
