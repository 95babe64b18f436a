/** Kinds of GitOps tools, by whatever version of their API. */

import { kindKey, type TypeOfObject } from '../../../shared/group-kind.ts';

const syncedKinds: ReadonlySet<string> = new Set([
  'kustomize.toolkit.fluxcd.io/Kustomization',
  'helm.toolkit.fluxcd.io/HelmRelease',
  'argoproj.io/Application',
]);

/** Whether it applies other objects, and each sync of it is a change. */
export const isSynced = (object: TypeOfObject): boolean => syncedKinds.has(kindKey(object));

/** fluxcd/source-controller api/. */
const sourceKinds: ReadonlySet<string> = new Set([
  'source.toolkit.fluxcd.io/GitRepository',
  'source.toolkit.fluxcd.io/OCIRepository',
  'source.toolkit.fluxcd.io/Bucket',
  'source.toolkit.fluxcd.io/HelmRepository',
  'source.toolkit.fluxcd.io/HelmChart',
]);

/** Whether what is synced comes from it. */
export const isSource = (object: TypeOfObject): boolean => sourceKinds.has(kindKey(object));
