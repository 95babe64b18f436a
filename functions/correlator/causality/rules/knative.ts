/** Knative Serving. */
import type { EventRow } from './event-row.ts';

const created = (target: 'Configuration' | 'Route'): EventRow => ({
  subject: 'serving.knative.dev/Service',
  reason: 'Created',
  message: new RegExp(`^Created ${target} "(?<name>[^"]+)"$`),
  effect: 'creates',
  target,
  controls: true,
  example: `Created ${target} "hello"`,
  source: 'knative/serving pkg/reconciler/service/service.go',
});

export const knativeRows: readonly EventRow[] = [created('Configuration'), created('Route')];
