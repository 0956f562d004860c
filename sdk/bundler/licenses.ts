/** The licenses and notices of the packages in a bundle. */

import type { PackageInfo } from './package-of.js';

const RULE = '-'.repeat(80);

export function licenseNotices(packages: readonly PackageInfo[]): string {
  return packages
    .map(({ name, version, license, notices }) =>
      [
        RULE,
        `${name} ${version}`,
        `License: ${license}`,
        RULE,
        '',
        notices || 'The package contains no license text.',
        '',
        '',
      ].join('\n'),
    )
    .join('');
}
