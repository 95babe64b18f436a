/**
 * What a bundle is made of, as CycloneDX 1.6. A scanner finds no packages in a bundle, and npm's own list (`npm sbom`) has what it
 * was built and tested with; the bundler knows which of them are in it.
 */
import { writeFileSync } from 'node:fs';
import type { BundledPackage } from './bundled-packages.ts';

/** `@scope/name` has its scope as a namespace, whose `@` is escaped. */
const packageUrl = (name: string, version: string): string =>
  `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

/** @param subject what it is the list of */
export function writeSbom(
  subject: { name: string; version: string },
  packages: readonly BundledPackage[],
  file: string,
): void {
  const components = [...new Map(packages.map((one) => [packageUrl(one.name, one.version), one]))].map(
    ([purl, { name, version, license }]) => ({
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      ...(license !== undefined && { licenses: [{ expression: license }] }),
    }),
  );
  const ref = packageUrl(subject.name, subject.version);
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': ref, ...subject } },
    components,
    dependencies: [{ ref, dependsOn: components.map(({ purl }) => purl) }],
  };
  writeFileSync(file, `${JSON.stringify(sbom, null, 1)}\n`);
}
