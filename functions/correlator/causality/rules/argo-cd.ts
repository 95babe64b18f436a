/** Argo CD: each sync of an Application is a change of its own. */
import type { EventRow } from './event-row.ts';

const autoSync = 'argoproj/argo-cd controller/appcontroller.go (autoSync)';
const server = 'argoproj/argo-cd server/application/application.go (Sync)';
const operationState = 'argoproj/argo-cd controller/appcontroller.go (setOperationState)';

/** Lasts until the next that is heard of the Application: its end, or a change of its health. */
const started = (example: string, source: string, message?: RegExp): EventRow => ({
  subject: 'Application',
  reason: 'OperationStarted',
  ...(message !== undefined && { message }),
  begins: 'change',
  phase: true,
  example,
  source,
});

export const argoCdRows: readonly EventRow[] = [
  // Of several sources the first one's revision.
  started(
    "Initiated automated sync to '53e28ff20cc530b9ada2173fbbd64d48338583ba'",
    autoSync,
    /^Initiated automated sync to '(?<revision>[^',\s]+)/,
  ),
  // Whose sync it is stands before.
  started(
    'admin initiated partial sync to main (53e28ff20cc530b9ada2173fbbd64d48338583ba)',
    server,
    /\binitiated (?:partial )?sync to (?<ref>[^\s(),]+) \((?<revision>[^\s(),]+)\)/,
  ),
  started(
    'admin initiated sync to 53e28ff20cc530b9ada2173fbbd64d48338583ba',
    server,
    /\binitiated (?:partial )?sync to (?<revision>[^\s(),]+)/,
  ),
  started('admin initiated rollback to 3', 'argoproj/argo-cd server/application/application.go (Rollback)'),
  {
    subject: 'Application',
    reason: 'OperationCompleted',
    message: /^(?:Partial s|S)ync operation(?: to (?<revision>[^\s,]+))? succeeded$/,
    outcome: 'complete',
    example: 'Sync operation to 53e28ff20cc530b9ada2173fbbd64d48338583ba succeeded',
    source: operationState,
  },
  {
    subject: 'Application',
    reason: 'OperationCompleted',
    message: /^(?:Partial s|S)ync operation(?: to (?<revision>[^\s,]+))? failed: /,
    outcome: 'failed',
    cause: 'SyncFailed',
    example:
      'Sync operation to 53e28ff20cc530b9ada2173fbbd64d48338583ba failed: one or more objects failed to apply',
    source: operationState,
  },
];
