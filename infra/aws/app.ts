/** `cdk deploy`: the pipeline in one AWS account, for all clusters. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { UserError } from '../../shared/errors.ts';
import { readSettings } from './read-settings.ts';
import { RootspanStack } from './rootspan-stack.ts';

const app = new App();
try {
  // With no environment set the stack goes wherever the credentials of `cdk deploy` point; nothing is looked up.
  new RootspanStack(app, 'Rootspan', readSettings(app.node.tryGetContext('rootspan')));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`rootspan: ${error.message}\n`);
  process.exitCode = 2;
}
