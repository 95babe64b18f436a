/** "How do changes end? Is anything lost or stuck, where, since when?": from the top, in that order. */
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
  /** Whether figures of changes are told by cluster, too. */
  metricsByCluster: boolean;
}

const period = Duration.minutes(5);

export function createDashboard(scope: Construct, sources: DashboardSources): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.days(1),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...sources.alarms], width: 24, height: 4 })],
      ...ask('How do changes end?', graphChanges(sources)),
      ...(sources.metricsByCluster ? [graphClusters(sources)] : []),
      ...ask('Is anything lost?', graphLosses(sources)),
      ...ask('Is anything stuck?', graphWaiting(sources)),
      ...ask('What goes through?', graphThroughput(sources)),
      ...ask('What does it take?', graphUsage(sources)),
    ],
  });
}

const ask = (question: string, answers: IWidget[]): IWidget[][] => [
  [new TextWidget({ markdown: `## ${question}`, width: 24, height: 1 })],
  answers,
];

const graph = (title: string, unit: string, left: IMetric[]): GraphWidget =>
  new GraphWidget({
    title,
    left,
    leftYAxis: { min: 0, label: unit, showUnits: false },
    width: 8,
    height: 6,
  });

const consumersOf = ({ ingest, settle, emit }: DashboardSources): Consumer[] => [ingest, settle, emit];

const graphChanges = ({ settle }: DashboardSources): IWidget[] => [
  graph('Changes that ended', 'changes', [
    settle.metric('ChangesComplete'),
    settle.metric('ChangesFailed'),
    settle.metric('ChangesSuperseded'),
    settle.metric('ChangesUnfinished').with({ label: 'ChangesUnfinished, or unknown' }),
  ]),
  graph('How long they took', 's', [
    settle.metric('ChangeDuration', Stats.p(50)),
    settle.metric('ChangeDuration', Stats.p(90)),
    settle.metric('ChangeDuration', Stats.MAXIMUM),
  ]),
];

const graphClusters = ({ settle }: DashboardSources): IWidget[] => [
  graph('Failed or stalled, by cluster', 'changes', [settle.metricByCluster('ChangesFailed')]),
  graph('Complete, by cluster', 'changes', [settle.metricByCluster('ChangesComplete')]),
  graph('How long they took, 90th percentile, by cluster', 's', [
    settle.metricByCluster('ChangeDuration', Stats.p(90)),
  ]),
];

function graphLosses(sources: DashboardSources): IWidget[] {
  const { ingest, emit, timers, spans } = sources;
  const inDeadLetters = ({ deadLetters }: WorkQueue, label: string) =>
    deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period, label });
  return [
    graph(
      'Set aside',
      'records, messages',
      consumersOf(sources).flatMap((consumer) => consumer.kept),
    ),
    graph('Held, refused by the backend', 'records, spans', [ingest.metric('Held'), emit.metric('Refused')]),
    graph('Given up', 'messages, batches', [
      inDeadLetters(timers, 'timers'),
      inDeadLetters(spans, 'spans'),
      // Batches of the stream that Lambda could not even put into the bucket.
      ingest.handler.metric('DestinationDeliveryFailures', { statistic: Stats.SUM, period, label: 'lost' }),
    ]),
  ];
}

function graphWaiting(sources: DashboardSources): IWidget[] {
  const { ingest, settle, emit, timers, spans } = sources;
  const oldest = ({ queue }: WorkQueue, label: string) =>
    queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period, label });
  return [
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
      ...consumersOf(sources).map(({ handler }) => handler.metricErrors({ period })),
      ...consumersOf(sources).map((consumer) => consumer.metric('Failed')),
    ]),
  ];
}

const graphThroughput = ({ ingest, settle, emit }: DashboardSources): IWidget[] => [
  graph('Observations', 'count', [ingest.metric('Received'), ingest.metric('Duplicated')]),
  graph('Spans', 'count', [settle.metric('Settled'), emit.metric('Exported')]),
  graph('Of them', 'spans', [settle.metric('Late'), settle.metric('Unresolved'), settle.metric('Pending')]),
];

const graphUsage = (sources: DashboardSources): IWidget[] => [
  graph(
    'Invocations',
    'count',
    consumersOf(sources).map(({ handler }) => handler.metricInvocations({ period })),
  ),
  graph(
    'Duration, 99th percentile',
    'ms',
    consumersOf(sources).map(({ handler }) => handler.metricDuration({ statistic: Stats.p(99), period })),
  ),
  graph('Stream', 'bytes', [
    sources.stream.metricIncomingBytes({ statistic: Stats.SUM, period }),
    sources.stream.metricGetRecordsBytes({ statistic: Stats.SUM, period }),
  ]),
];
