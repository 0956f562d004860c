/** The licences and notices of the packages in a bundle. */

import type { PackageInfo } from './package-of.js';

const RULE = '-'.repeat(80);

export function licenceNotices(packages: readonly PackageInfo[]): string {
  return packages
    .map(({ name, version, license, notices }) =>
      [
        RULE,
        `${name} ${version}`,
        `Licence: ${license}`,
        RULE,
        '',
        notices || 'The package contains no licence text.',
        '',
        '',
      ].join('\n'),
    )
    .join('');
}
