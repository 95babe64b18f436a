/** What a backend shows as the service of a root and of the spans below it. */
import { describe, expect, it } from 'vitest';
import { nameServices, type ServiceNaming } from '../../../functions/emitter/name-services.ts';
import { makeSpan } from '../../spans.ts';

const cluster = { 'k8s.cluster.name': 'prod' };
const root = {
  ...makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'argocd' }),
  resource: {
    'service.name': 'checkout',
    'service.namespace': 'shop',
    'service.version': '1.4.2',
    'rootspan.component': 'argocd',
    ...cluster,
  },
};
const below = {
  ...makeSpan({ name: 'Pod.Pulling', object: 'web-1' }),
  resource: { 'service.name': 'kubelet', 'service.instance.id': 'n1', ...cluster },
};
const named = (naming: ServiceNaming) => nameServices([root, below], naming).map(({ resource }) => resource);

describe('the service of a root', () => {
  it('is its workload', () => {
    expect(named('workload')).toEqual([root.resource, below.resource]);
  });

  it('or the component that reports it, as of all other spans', () => {
    expect(named('component')).toEqual([{ 'service.name': 'argocd', ...cluster }, below.resource]);
  });

  it('or one for all of them, which still say what their component is', () => {
    expect(named('one')).toEqual([
      { 'service.name': 'rootspan', 'rootspan.component': 'argocd', ...cluster },
      { 'service.name': 'rootspan', 'rootspan.component': 'kubelet', ...cluster },
    ]);
  });
});
