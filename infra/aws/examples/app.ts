/**
 * Two examples of what change records are for, each a small stack of its own. Copy them, or:
 * `npx cdk deploy -a 'node_modules/.bin/node infra/aws/examples/app.ts' -c busName=… [-c namespace=shop] [-c webhook=https://…
 * [-c webhookSecret=NAME]] RootspanNotify RootspanAthena`
 */
import { App } from 'aws-cdk-lib';
import { AthenaStack } from './athena-stack.ts';
import { NotifyStack } from './notify-stack.ts';

const app = new App();
const said = (name: string, otherwise: string): string => String(app.node.tryGetContext(name) ?? otherwise);
/** The output RecordsBus. Without it the examples can be looked at, and not deployed. */
const busName = said('busName', 'RootspanRecords');
const url = said('webhook', '');
const secretName = said('webhookSecret', '');

new NotifyStack(app, 'RootspanNotify', {
  busName,
  namespace: said('namespace', 'shop'),
  ...(url !== '' && { webhook: { url, ...(secretName !== '' && { secretName }) } }),
});
new AthenaStack(app, 'RootspanAthena', { busName });
