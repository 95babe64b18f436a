/** Services of type LoadBalancer, for which a cloud's load balancer is made. */
import type { EventRow } from './event-row.ts';

const serviceController = 'staging/src/k8s.io/cloud-provider/controllers/service/controller.go';

export const kubernetesServiceRows: readonly EventRow[] = [
  {
    subject: 'Service',
    reason: 'EnsuringLoadBalancer',
    phase: true,
    example: 'Ensuring load balancer',
    source: serviceController,
  },
  {
    subject: 'Service',
    reason: 'SyncLoadBalancerFailed',
    cause: 'SyncLoadBalancerFailed',
    example: 'Error syncing load balancer: failed to ensure load balancer: no subnets',
    source: serviceController,
  },
  {
    subject: 'Service',
    reason: 'DeletingLoadBalancer',
    phase: true,
    example: 'Deleting load balancer',
    source: serviceController,
  },
];
