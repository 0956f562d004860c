/** A software bill of materials, CycloneDX 1.6 as JSON (ECMA-424). */

import type { BundleContents } from './contents.js';
import type { PackageInfo } from './package-of.js';

/** An SPDX expression; npm's `UNLICENSED` and `SEE LICENSE IN …` are not. */
const SPDX = /^(?!UNLICENSED$|SEE )\(?[\w.+-]+( (AND|OR|WITH) [\w.+()-]+)*\)?$/;

/** A file of the bundle. */
export interface BundleFile {
  name: string;
  /** Hexadecimal digest of the content. */
  sha256: string;
}

/**
 * Reproducible: the same bundle has the same bill of materials, without a timestamp or serial number.
 * @param main the bundle itself.
 */
export function billOfMaterials(
  main: BundleFile,
  others: readonly BundleFile[],
  contents: BundleContents,
  packages: readonly PackageInfo[],
): string {
  const components = [
    ...packages.map(({ name, version, license, repository }) => ({
      type: 'library',
      'bom-ref': packageUrl(name, version),
      name,
      version,
      licenses: [SPDX.test(license) ? { expression: license } : { license: { name: license } }],
      purl: packageUrl(name, version),
      externalReferences: repository === undefined ? undefined : [{ type: 'vcs', url: repository }],
    })),
    ...others.map(fileComponent),
  ];
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        ...fileComponent(main),
        type: 'application',
        properties: contents.applications.map(({ id, accepts }) => ({
          name: `sip-push:application:${id}`,
          value: accepts.join(', '),
        })),
      },
    },
    components,
    dependencies: [{ ref: main.name, dependsOn: components.map((component) => component['bom-ref']).sort() }],
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

function fileComponent({ name, sha256 }: BundleFile) {
  return { type: 'file', 'bom-ref': name, name, hashes: [{ alg: 'SHA-256', content: sha256 }] };
}

/** https://github.com/package-url/purl-spec: the @ of a scope is escaped. */
function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}
