/** `cdk deploy`: the pipeline in one AWS account, for all clusters. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { UserError } from '../../shared/errors.ts';
import { readSettings } from './read-settings.ts';
import { RootspanStack } from './rootspan-stack.ts';

const app = new App();
try {
  const settings = readSettings(app.node.tryGetContext('rootspan'));
  new RootspanStack(app, settings.stackName ?? 'Rootspan', settings);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`rootspan: ${error.message}\n`);
  process.exitCode = 2;
}
