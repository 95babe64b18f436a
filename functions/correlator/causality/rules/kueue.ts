/** Kueue: a job waits, suspended, until its Workload has got what it asks for. */
import type { EventRow } from './event-row.ts';

const jobs = 'kubernetes-sigs/kueue pkg/controller/jobframework/reconciler.go';
const scheduler = 'kubernetes-sigs/kueue pkg/scheduler/scheduler.go';

/** Queued: it lasts until the job is started. */
const queued = (subject: string): EventRow => ({
  subject,
  reason: 'CreatedWorkload',
  phase: true,
  example: 'Created Workload: shop/job-train-1a2b3',
  source: jobs,
});

export const kueueRows: readonly EventRow[] = [
  ...['Job', 'JobSet', 'PyTorchJob', 'TFJob', 'MPIJob', 'RayJob', 'RayCluster'].map(queued),
  {
    subject: 'Workload',
    reason: 'Pending',
    phase: true,
    example: "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default",
    source: `${scheduler} (requeueAndUpdate)`,
  },
  {
    subject: 'Workload',
    reason: 'QuotaReserved',
    // Until its admission checks have passed, too.
    phase: true,
    example: 'Quota reserved in ClusterQueue team-a, wait time since queued was 60s',
    source: `${scheduler} (recordQuotaReservationMetrics)`,
  },
];
