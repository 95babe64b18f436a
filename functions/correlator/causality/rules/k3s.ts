/** K3s: manifests that it applies by itself, and charts that it installs by Jobs. */
import type { EventRow } from './event-row.ts';

const charts = 'k3s-io/helm-controller pkg/controllers/chart/chart.go';
const deploy = 'k3s-io/k3s pkg/deploy/controller.go';

export const k3sRows: readonly EventRow[] = [
  {
    subject: 'helm.cattle.io/HelmChart',
    reason: 'ApplyJob',
    message: /\busing Job (?<namespace>[^/\s]+)\/(?<name>[^/\s]+) ?$/,
    effect: 'creates',
    target: 'Job',
    controls: true,
    example:
      'Applying HelmChart from https://charts.example/traefik.tgz using Job kube-system/helm-install-traefik ',
    source: charts,
  },
  {
    subject: 'helm.cattle.io/HelmChart',
    reason: 'RemoveJob',
    message: /^Uninstalling HelmChart using Job (?<namespace>[^/\s]+)\/(?<name>[^/\s]+) ?$/,
    effect: 'creates',
    target: 'Job',
    controls: true,
    example: 'Uninstalling HelmChart using Job kube-system/helm-delete-traefik ',
    source: charts,
  },
  {
    subject: 'Addon',
    reason: 'ApplyingManifest',
    phase: true,
    example: 'Applying manifest at "/var/lib/rancher/k3s/server/manifests/coredns.yaml"',
    source: deploy,
  },
  {
    subject: 'Addon',
    reason: 'AppliedManifest',
    outcome: 'complete',
    example: 'Applied manifest at "/var/lib/rancher/k3s/server/manifests/coredns.yaml"',
    source: deploy,
  },
  {
    subject: 'Addon',
    reason: 'ApplyManifestFailed',
    outcome: 'failed',
    cause: 'ApplyManifestFailed',
    example: 'Applying manifest at "/var/lib/rancher/k3s/server/manifests/coredns.yaml" failed: forbidden',
    source: deploy,
  },
];
