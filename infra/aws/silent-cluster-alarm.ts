/** Of a cluster that is expected to send: off unless its setting says so, since a quiet one costs nothing. */
import type { Duration } from 'aws-cdk-lib';
import { type Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Consumer } from './consumer.ts';
import { alarmPeriod, createAlarm } from './create-alarm.ts';

/**
 * @param scope of the cluster's own
 * @param name as the chart has it, and ingest tells it
 */
export function createSilentClusterAlarm(
  scope: Construct,
  name: string,
  ingest: Consumer,
  silence: Duration,
): Alarm {
  return createAlarm(scope, 'Silent', {
    metric: ingest.metric('Received').with({ dimensionsMap: { service: 'ingest', cluster: name } }),
    // A figure that is 0 is not told: any that is there is more, and none counts as too little.
    threshold: 1,
    comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
    means: `Nothing has come from the cluster ${name} for ${silence.toMinutes()} minutes, though it is expected to send: its traces are missing.`,
    section: 'ClusterSilent',
    timing: {
      periods: silence.toMinutes() / alarmPeriod.toMinutes(),
      withoutData: TreatMissingData.BREACHING,
    },
  });
}
