/** What a backend shows as the service of each span: a setting, since backends group, color and search by it. */
import type { Attributes, Span } from '../../shared/span.ts';

/**
 * - `workload`: of a root the workload that it is about, of all else the component that reports it
 * - `component`: of a root too the component, or who made the change
 * - `one`: all of it one service
 */
export const serviceNamings = ['workload', 'component', 'one'] as const;
export type ServiceNaming = (typeof serviceNamings)[number];

export function nameServices(spans: readonly Span[], naming: ServiceNaming): readonly Span[] {
  if (naming === 'workload') return spans;
  return spans.map((span) => ({ ...span, resource: renamed(span.resource, naming) }));
}

/** The correlator tells of a root both: the workload as the service, and `rootspan.component` beside it. */
function renamed(resource: Attributes, naming: 'component' | 'one'): Attributes {
  const {
    'service.name': name,
    'service.instance.id': instance,
    'rootspan.component': beside,
    'service.namespace': _,
    'service.version': __,
    ...others
  } = resource;
  const component = beside ?? name;
  if (naming === 'one')
    return {
      'service.name': 'rootspan',
      ...(component !== undefined && { 'rootspan.component': component }),
      ...others,
    };
  return {
    ...(component !== undefined && { 'service.name': component }),
    ...(instance !== undefined && beside === undefined && { 'service.instance.id': instance }),
    ...others,
  };
}
