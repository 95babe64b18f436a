/** Questions to all records of months, as Athena takes them. */
export const athenaQueries = [
  {
    name: 'change-failure-rate',
    description:
      'Of the changes of a week, the share that failed, by namespace. It needs records of all outcomes: where the setting records.outcomes has failed and stalled alone, all that is told failed, and the share is 100 %',
    sql: `SELECT date_trunc('week', from_iso8601_timestamp(time)) AS week, object.namespace AS namespace,
  count(*) AS changes,
  count_if(outcome IN ('failed', 'stalled')) AS failed,
  round(100.0 * count_if(outcome IN ('failed', 'stalled')) / count(*), 1) AS percent
FROM (SELECT DISTINCT id, time, kind, outcome, object FROM records)
WHERE kind = 'ended' AND outcome NOT IN ('superseded', 'unknown')
GROUP BY 1, 2 ORDER BY 1 DESC, 5 DESC`,
  },
  {
    name: 'lead-time',
    description:
      'From a commit to when it ran, by week: with a table commits (revision, committed_at) of your own, since no GitOps tool says the time',
    sql: `SELECT date_trunc('week', c.committed_at) AS week, r.cluster.name AS cluster, count(*) AS commits,
  approx_percentile(date_diff('second', c.committed_at, from_iso8601_timestamp(r.time)), 0.5) AS median_seconds,
  approx_percentile(date_diff('second', c.committed_at, from_iso8601_timestamp(r.time)), 0.9) AS p90_seconds
FROM (SELECT cluster, source, max(time) AS time FROM records
  WHERE kind = 'ended' AND outcome = 'complete' AND source.revision IS NOT NULL GROUP BY 1, 2) r
JOIN commits c ON c.revision = r.source.revision
GROUP BY 1, 2 ORDER BY 1 DESC`,
  },
  {
    name: 'slowest-phase',
    description:
      'Where the time of a workload goes, by week: the phase that takes longest, on average of all its changes of which a phase is known, in all clusters. Runs (of a CronJob, a ScaledJob) count for what makes them, by the name of the service',
    // What a change did not spend in a phase is not in its record, and is 0.
    sql: `SELECT week, namespace, kind, name, changes, max_by(phase, seconds) AS slowest_phase, round(max(seconds), 1) AS seconds
FROM (
  SELECT date_trunc('week', from_iso8601_timestamp(time)) AS week, object.namespace AS namespace, object.kind AS kind,
    if(change.verb = 'Run', service.name, object.name) AS name, phase, count(*) AS changes, avg(coalesce(seconds, 0)) AS seconds
  FROM (SELECT DISTINCT id, time, kind, object, service, change, phases FROM records WHERE kind = 'ended' AND phases IS NOT NULL)
  CROSS JOIN UNNEST(
    ARRAY['queue', 'schedule', 'pull', 'start', 'ready', 'stop', 'other'],
    ARRAY[phases.queue, phases.schedule, phases.pull, phases."start", phases.ready, phases.stop, phases.other]
  ) AS t (phase, seconds)
  GROUP BY 1, 2, 3, 4, 5
)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 7 DESC`,
  },
] as const;
