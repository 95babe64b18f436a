/**
 * Resource versions of one cluster as what they are since Kubernetes 1.35: decimal numbers of any length that only grow.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */

export const isResourceVersion = (text: unknown): text is string =>
  typeof text === 'string' && /^(?:0|[1-9]\d*)$/.test(text);

/** Below, at or above 0, as for sorting. */
export const compareVersions = (a: string, b: string): number =>
  a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** Of each resource the newer version of the two. */
export function newestVersions(
  before: Readonly<Record<string, string>> | undefined,
  after: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const newest: Record<string, string> = { ...before };
  for (const [resource, version] of Object.entries(after)) {
    const known = newest[resource];
    if (known === undefined || compareVersions(known, version) < 0) newest[resource] = version;
  }
  return newest;
}
