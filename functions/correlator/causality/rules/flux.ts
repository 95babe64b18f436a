/**
 * Flux. Which revision is synced stands in annotations of its Events, not in their messages. No Event says that a sync begins:
 * the first that names a new revision is the first of it.
 */
import type { EventRow } from './event-row.ts';

const kustomize = 'fluxcd/kustomize-controller internal/controller/kustomization_controller.go';
const helm = 'fluxcd/helm-controller internal/reconcile';

const ended = (
  subject: string,
  reason: string,
  outcome: 'complete' | 'failed',
  example: string,
  source: string,
): EventRow => ({
  subject,
  reason,
  outcome,
  ...(outcome === 'failed' && { cause: reason }),
  example,
  source,
});

/** What helm-controller does about a failure: its Event carries the revision that it goes back to. */
const remedy = (reason: string, example: string, file: string): EventRow => ({
  subject: 'HelmRelease',
  reason,
  begins: 'nothing',
  example,
  source: `${helm}/${file}`,
});

/** What is behind a new revision is there: until then its status is said to be under way in an instant that nobody need see. */
const stored = (subject: string, example: string, file: string): EventRow =>
  ended(subject, 'NewArtifact', 'complete', example, `fluxcd/source-controller internal/controller/${file}`);

/** Each object that is applied or pruned is a line of the message. */
const applies = (reason: string, example: string): EventRow => ({
  subject: 'Kustomization',
  reason,
  message:
    /^(?<kind>[A-Z][A-Za-z0-9]*)\/(?:(?<namespace>[^/\s]+)\/)?(?<name>[^/\s]+) (?:created|configured|deleted)$/,
  effect: 'applies',
  target: 'message',
  controls: false,
  example,
  source: `${kustomize} (apply, prune), fluxcd/pkg ssa/changeset.go`,
});

export const fluxRows: readonly EventRow[] = [
  stored('GitRepository', "stored artifact for commit 'shop 43'", 'gitrepository_controller.go'),
  stored(
    'OCIRepository',
    "stored artifact with revision '1.2.3@sha256:0d4e…' from 'oci://registry.example/shop'",
    'ocirepository_controller.go',
  ),
  stored('Bucket', "stored artifact with 12 fetched files from 'shop' bucket", 'bucket_controller.go'),
  stored(
    'HelmRepository',
    "stored fetched index of 12.3kB from 'https://charts.example'",
    'helmrepository_controller.go',
  ),
  // Its reason is that of the condition Ready while it applies; of what a deletion prunes, that of its end.
  applies('Progressing', 'Deployment/shop/web configured'),
  applies('ReconciliationSucceeded', 'Deployment/shop/web deleted'),
  ended(
    'Kustomization',
    'ReconciliationSucceeded',
    'complete',
    'Reconciliation finished in 1.2s, next run in 10m0s',
    kustomize,
  ),
  ended('Kustomization', 'ReconciliationFailed', 'failed', 'Deployment/shop/web dry-run failed', kustomize),
  ended(
    'Kustomization',
    'BuildFailed',
    'failed',
    'kustomize build failed: accumulating resources: no such file',
    kustomize,
  ),
  ended(
    'Kustomization',
    'HealthCheckFailed',
    'failed',
    'health check failed after 5m0s: timeout waiting for: [Deployment/shop/web status: InProgress]',
    kustomize,
  ),
  ended('Kustomization', 'PruneFailed', 'failed', 'Deployment/shop/old delete failed', kustomize),
  ended(
    'HelmRelease',
    'InstallSucceeded',
    'complete',
    'Helm install succeeded for release shop/web.v1 with chart web@1.2.3',
    `${helm}/install.go`,
  ),
  ended(
    'HelmRelease',
    'InstallFailed',
    'failed',
    'Helm install failed for release shop/web with chart web@1.2.3: context deadline exceeded',
    `${helm}/install.go`,
  ),
  ended(
    'HelmRelease',
    'UpgradeSucceeded',
    'complete',
    'Helm upgrade succeeded for release shop/web.v2 with chart web@1.2.4',
    `${helm}/upgrade.go`,
  ),
  ended(
    'HelmRelease',
    'UpgradeFailed',
    'failed',
    'Helm upgrade failed for release shop/web with chart web@1.2.4: context deadline exceeded',
    `${helm}/upgrade.go`,
  ),
  ended(
    'HelmRelease',
    'TestFailed',
    'failed',
    'Helm test failed for release shop/web.v2 with chart web@1.2.4: pod web-test failed',
    `${helm}/test.go`,
  ),
  remedy(
    'RollbackSucceeded',
    'Helm rollback to previous release shop/web.v1 with chart web@1.2.3 succeeded',
    'rollback_remediation.go',
  ),
  remedy(
    'RollbackFailed',
    'Helm rollback to previous release shop/web.v1 with chart web@1.2.3 failed: context deadline exceeded',
    'rollback_remediation.go',
  ),
  remedy(
    'UninstallSucceeded',
    'Helm uninstall remediation for release shop/web.v1 with chart web@1.2.4 succeeded',
    'uninstall_remediation.go',
  ),
  remedy(
    'UninstallFailed',
    'Helm uninstall remediation for release shop/web.v1 with chart web@1.2.4 failed: context deadline exceeded',
    'uninstall_remediation.go',
  ),
];
