/**
 * What a function says of itself in Lambda: its remarks as lines of JSON (Powertools Logger) and as figures in
 * CloudWatch's embedded metric format (Powertools Metrics), which are lines too: nobody waits for CloudWatch. Both read
 * their POWERTOOLS_… variables themselves.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';

/** In the namespace Rootspan, by `service`: what the dashboard and the alarms read. */
export type Metric =
  | 'Received'
  | 'Duplicated'
  | 'SetAside'
  /** Records beyond their cluster's share. */
  | 'Held'
  | 'Pending'
  | 'Settled'
  | 'Late'
  | 'Unresolved'
  /** Seconds. */
  | 'OldestPendingAge'
  | 'Exported'
  | 'Refused'
  /** Messages and records that a function gave back. */
  | 'Failed'
  | 'ChangesComplete'
  | 'ChangesFailed'
  | 'ChangesSuperseded'
  | 'ChangesUnfinished'
  /** Seconds. */
  | 'ChangeDuration';

/** One of many of a remark. */
export interface Figure {
  name: Metric;
  value: number;
  /** Of which cluster it is. */
  cluster: string;
}

/** What becomes of a remark. */
export interface Telling {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  /** Ids and figures; never a payload, never the value of a header. */
  fields?: Readonly<Record<string, string | number | readonly string[]>>;
  error?: unknown;
  metrics?: Figures;
  /** The same of one cluster alone: for those of which somebody has asked for it, since each is a metric of its own on the bill. */
  ofCluster?: { cluster: string; metrics: Figures };
  figures?: readonly Figure[];
}

type Figures = Readonly<Partial<Record<Metric, number>>>;

/** A row for each kind of remark. */
export type TellingTable<R extends { kind: string }> = {
  readonly [K in R['kind']]: (remark: Extract<R, { kind: K }>) => Telling;
};

export interface Telemetry<R> {
  tell(remark: R): void;
  /** Each line gets the invocation's id; the figures are told at its end, also where it fails. */
  wrap<Event, Answer>(
    handle: (event: Event, context: Context) => Promise<Answer>,
  ): (event: Event, context: Context) => Promise<Answer>;
}

const inSeconds: ReadonlySet<string> = new Set(['OldestPendingAge', 'ChangeDuration']);
const unitOf = (name: string) => (inSeconds.has(name) ? 'Seconds' : 'Count');

/** Make it once for each function. */
export function createTelemetry<R extends { kind: string }>(
  table: TellingTable<R>,
  { byCluster = false }: { byCluster?: boolean } = {},
): Telemetry<R> {
  const logger = new Logger();
  const metrics = new Metrics();
  const publish = () => {
    // Else it warns that there are none.
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return {
    tell(remark) {
      const row = table[remark.kind as R['kind']];
      const told = row(remark as Extract<R, { kind: R['kind'] }>);
      logger[told.level](told.message, {
        ...told.fields,
        ...(told.error !== undefined && {
          error: told.error instanceof Error ? told.error : String(told.error),
        }),
      });
      addFigures(metrics, told.metrics);
      if (told.ofCluster !== undefined) {
        const own = metrics.singleMetric();
        own.addDimension('cluster', told.ofCluster.cluster);
        addFigures(own, told.ofCluster.metrics);
      }
      for (const { name, value, cluster } of told.figures ?? []) {
        if (value === 0) continue;
        metrics.addMetric(name, unitOf(name), value);
        // A metric for each cluster is one more to pay for: only where somebody asked for it.
        if (byCluster && cluster !== '')
          metrics.singleMetric().addDimension('cluster', cluster).addMetric(name, unitOf(name), value);
      }
    },
    wrap: (handle) => middy(handle).use(injectLambdaContext(logger)).after(publish).onError(publish),
  };
}

function addFigures(metrics: Metrics, figures: Figures = {}): void {
  for (const [name, value] of Object.entries(figures)) {
    // Nothing is a figure that costs as much as any other.
    if (value === 0) continue;
    metrics.addMetric(name, unitOf(name), value);
  }
}
