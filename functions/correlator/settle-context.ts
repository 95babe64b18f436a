/** What every step of settling is handed. */
import type { RuleSet } from './causality/rules/rule-set.ts';
import type { Ports } from './ports.ts';
import { expiryAfter } from './store.ts';
import type { Thresholds } from './thresholds.ts';

export interface SettleContext {
  ports: Ports;
  thresholds: Thresholds;
  rules: RuleSet;
  /** More than one cluster is there: that two of them took the same images says something. */
  releasesByImages: boolean;
  /** A template for the links of records. */
  traceUrl?: string | undefined;
  /** Records of other outcomes are not put; undefined: all are. */
  recordOutcomes?: ReadonlySet<string> | undefined;
}

/** Seconds since 1970, as items expire. */
export const expiresIn = ({ ports }: Pick<SettleContext, 'ports'>, seconds: number): number =>
  expiryAfter(ports.now(), seconds);
