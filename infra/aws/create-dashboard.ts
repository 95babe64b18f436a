/** "Is anything lost or stuck, where, since when?": from the top, in that order. */
import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { Construct } from 'constructs';
import type { Consumer } from './consumer.ts';
import type { WorkQueue } from './work-queue.ts';

export interface DashboardSources {
  ingest: Consumer;
  settle: Consumer;
  emit: Consumer;
  stream: IStream;
  timers: WorkQueue;
  spans: WorkQueue;
  alarms: readonly Alarm[];
}

const period = Duration.minutes(5);

export function createDashboard(scope: Construct, sources: DashboardSources): Dashboard {
  const { ingest, settle, emit, stream, timers, spans, alarms } = sources;
  const consumers = [ingest, settle, emit];
  const graph = (title: string, unit: string, left: IMetric[]) =>
    new GraphWidget({
      title,
      left,
      leftYAxis: { min: 0, label: unit, showUnits: false },
      width: 8,
      height: 6,
    });
  const heading = (markdown: string) => new TextWidget({ markdown, width: 24, height: 1 });
  const row = (question: string, ...widgets: IWidget[]): IWidget[][] => [
    [heading(`## ${question}`)],
    widgets,
  ];
  const oldest = ({ queue }: WorkQueue, label: string) =>
    queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period, label });
  const inDeadLetters = ({ deadLetters }: WorkQueue, label: string) =>
    deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period, label });

  return new Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.days(1),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 4 })],
      ...row(
        'Is anything lost?',
        graph(
          'Set aside',
          'records, messages',
          consumers.flatMap((consumer) => consumer.kept),
        ),
        graph('Refused by the backend', 'spans', [emit.metric('Refused')]),
        graph('Given up', 'messages, batches', [
          inDeadLetters(timers, 'timers'),
          inDeadLetters(spans, 'spans'),
          // Batches of the stream that Lambda could not even put into the bucket.
          ingest.handler.metric('DestinationDeliveryFailures', {
            statistic: Stats.SUM,
            period,
            label: 'lost',
          }),
        ]),
      ),
      ...row(
        'Is anything stuck?',
        graph('Oldest Event in the stream', 'ms', [
          ingest.handler.metric('IteratorAge', { statistic: Stats.MAXIMUM, period, label: 'stream' }),
        ]),
        graph('Oldest in a queue or in the table', 's', [
          oldest(timers, 'timers'),
          oldest(spans, 'spans'),
          // SQS leaves out what was received more than three times, which in an outage is everything.
          settle.metric('OldestPendingAge', Stats.MAXIMUM),
          emit.metric('OldestPendingAge', Stats.MAXIMUM),
        ]),
        graph('Failed', 'invocations, messages', [
          ...consumers.map(({ handler }) => handler.metricErrors({ period })),
          ...consumers.map((consumer) => consumer.metric('Failed')),
        ]),
      ),
      ...row(
        'What goes through?',
        graph('Observations', 'count', [ingest.metric('Received'), ingest.metric('Duplicated')]),
        graph('Spans', 'count', [settle.metric('Settled'), emit.metric('Exported')]),
        graph('Of them', 'spans', [
          settle.metric('Late'),
          settle.metric('Unresolved'),
          settle.metric('Pending'),
        ]),
      ),
      ...row(
        'What does it take?',
        graph(
          'Invocations',
          'count',
          consumers.map(({ handler }) => handler.metricInvocations({ period })),
        ),
        graph(
          'Duration, 99th percentile',
          'ms',
          consumers.map(({ handler }) => handler.metricDuration({ statistic: Stats.p(99), period })),
        ),
        graph('Stream', 'bytes', [
          stream.metricIncomingBytes({ statistic: Stats.SUM, period }),
          stream.metricGetRecordsBytes({ statistic: Stats.SUM, period }),
        ]),
      ),
    ],
  });
}
