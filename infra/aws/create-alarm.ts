/** An alarm says in a sentence what it means for users, and names its section of the runbook. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

export const alarmPeriod = Duration.minutes(5);

export interface AlarmProps {
  metric: IMetric;
  threshold: number;
  /** At or above the threshold unless told otherwise. */
  comparison?: ComparisonOperator;
  /** What the reader has to know, in a sentence. */
  means: string;
  /** Its section in RUNBOOK.md. */
  section: string;
  timing?: AlarmTiming;
}

/** Goes off after so many periods, `of` the latest so many; three of three unless told otherwise. */
export interface AlarmTiming {
  periods?: number;
  of?: number;
  withoutData?: TreatMissingData;
}

/**
 * What fails comes again after the visibility timeout, up to 14 minutes later: on a quiet day most periods in between say
 * nothing, and three on end would never come.
 */
export const nowAndThen: AlarmTiming = { periods: 3, of: 9 };

/** What happens once is enough. */
export const atOnce: AlarmTiming = { periods: 1 };

export function createAlarm(
  scope: Construct,
  id: string,
  {
    metric,
    threshold,
    comparison = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    means,
    section,
    timing = {},
  }: AlarmProps,
): Alarm {
  const { periods = 3, of = periods, withoutData = TreatMissingData.NOT_BREACHING } = timing;
  return new Alarm(scope, id, {
    metric,
    threshold,
    comparisonOperator: comparison,
    datapointsToAlarm: periods,
    evaluationPeriods: of,
    treatMissingData: withoutData,
    alarmDescription: `${means} What to do: infra/aws/RUNBOOK.md, ${section}`,
  });
}

/**
 * A quarter of an hour: what comes in the last seconds of a period is taken in the next one, and that twice within two hours, with
 * nothing else around it, is no chance any more. Smaller: it is. Larger: a source that stands still is noticed later.
 */
const idlePeriod = Duration.minutes(15);

/** Two of the eight latest: a busy source after half an hour, one that is told of once an hour after two. */
export const idleTiming: AlarmTiming = { periods: 2, of: 8 };

/**
 * How much waits in periods in which nobody was invoked; 0 in all others. An event source that is switched off, or may not read, fails
 * nowhere: no function runs, and no age is told of a stream that nobody reads.
 * @param waiting what came, or lies there
 */
export const waitingInVain = (waiting: IMetric, invocations: IMetric): MathExpression =>
  new MathExpression({
    // Neither is told in a period in which it is nothing.
    expression: 'IF(FILL(invocations, 0) < 1, FILL(waiting, 0), 0)',
    usingMetrics: { waiting, invocations },
    label: 'waiting, and nobody invoked',
    period: idlePeriod,
  });
