/** `rootspan/aws`: the stack for an app of one's own. The functions' code is in the package, nothing is bundled at synth. */
import type { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { readSettings } from './read-settings.ts';
import { RootspanStack as PipelineStack } from './rootspan-stack.ts';
import type { RootspanStackProps } from './settings.ts';

export type { RootspanCluster, RootspanSettings, RootspanStackProps } from './settings.ts';

/** By its shape alone: its declaration then speaks of nothing but the CDK and settings.ts. */
type RootspanStackClass = new (scope: Construct, id: string, props?: RootspanStackProps) => Stack;

/**
 * The whole pipeline of one AWS account, for all clusters.
 * @throws Error that names the setting to put right
 */
export const RootspanStack: RootspanStackClass = class RootspanStack extends PipelineStack {
  constructor(scope: Construct, id: string, { settings = {}, ...props }: RootspanStackProps = {}) {
    super(scope, id, readSettings(settings, 'RootspanStack: settings'), props);
  }
};
export type RootspanStack = Stack;
