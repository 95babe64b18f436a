import { expect, test } from 'vitest';
import { kubectlCommands } from '../../../../infra/local/view/kubectl-commands.ts';
import { HOSTILE } from '../../../spans.ts';

const commandsOf = (kind: string, version: string, name: string, namespace?: string, context?: string) =>
  kubectlCommands(
    {
      'k8s.object.kind': kind,
      'k8s.object.api_version': version,
      'k8s.object.name': name,
      ...(namespace !== undefined && { 'k8s.namespace.name': namespace }),
    },
    context,
  );

test('the object by kind and group, in its namespace', () => {
  expect(commandsOf('Pod', 'v1', 'web-1', 'shop')).toEqual([
    'kubectl describe pod/web-1 -n shop',
    'kubectl events --for pod/web-1 -n shop',
  ]);
  expect(commandsOf('Rollout', 'argoproj.io/v1alpha1', 'web', 'shop')[0]).toBe(
    'kubectl describe rollout.argoproj.io/web -n shop',
  );
});

test('what is in no namespace has its Events in any', () => {
  expect(commandsOf('Node', 'v1', 'node-2', 'default')).toEqual([
    'kubectl describe node/node-2',
    'kubectl events --for node/node-2 -A',
  ]);
});

test.each(['arn:aws:eks:eu-west-1:111111111111:cluster/prod', 'gke_shop_europe-west1_prod', 'admin@prod'])(
  'of the cluster whose context is %s',
  (context) => {
    expect(commandsOf('Pod', 'v1', 'web-1', 'shop', context)).toEqual([
      `kubectl describe pod/web-1 -n shop --context ${context}`,
      `kubectl events --for pod/web-1 -n shop --context ${context}`,
    ]);
  },
);

test('no command holds what a shell would obey', () => {
  for (const text of [
    ...HOSTILE.filter((each) => !/^(x+|\s*)$/.test(each)),
    'a; rm -rf ~',
    '$(id)',
    '-n',
    'a b',
    "a'b",
    'a`b`',
  ]) {
    expect(commandsOf('Pod', 'v1', text, 'shop')).toEqual([]);
    expect(commandsOf(text, 'v1', 'web', 'shop')).toEqual([]);
    expect(commandsOf('Pod', 'v1', 'web', text)).toEqual([]);
    expect(commandsOf('Pod', 'v1', 'web', 'shop', text)[0]).toBe('kubectl describe pod/web -n shop');
  }
});
