/**
 * Order of two resource versions of one resource: decimal numbers of any length (Kubernetes 1.35 promises it, etcd's
 * revisions always were; apimachinery pkg/util/resourceversion). Negative where `a` is older.
 */
export const compareVersions = (a: string, b: string): number =>
  a.length - b.length || (a < b ? -1 : Number(a > b));
