/** kubectl's commands for what a span is about, each to be copied, and which cluster they are for. */
import type { Span } from '../../../../shared/span.ts';
import { textOf } from '../describe-span.ts';
import { kubectlCommands } from '../kubectl-commands.ts';
import { copyButton } from './copy.ts';
import { make } from './dom.ts';
import { index, isOfSeveralClusters } from './page-state.ts';

export function commandLines({ attributes, resource }: Span): HTMLElement[] {
  const commands = kubectlCommands(attributes, index.context);
  const lines = commands.map((command) =>
    make('span', { class: 'command' }, make('code', { text: command }), copyButton(command, 'command')),
  );
  const cluster = textOf(resource, 'k8s.cluster.name') || textOf(resource, 'k8s.cluster.uid');
  // kubectl asks the current cluster, whichever that is.
  if (lines.length > 0 && isOfSeveralClusters && cluster !== '')
    lines.push(make('span', { class: 'dim', text: `in cluster ${cluster}` }));
  return lines;
}
