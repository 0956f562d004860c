/** The licences of everything inside a bundle, for whoever gets it. */

import type { PackageInfo } from './package-of.js';

const RULE = '-'.repeat(80);

/** In the order of the packages. */
export function licenceNotices(packages: readonly PackageInfo[]): string {
  return packages
    .map(({ name, version, license, notices }) =>
      [
        RULE,
        `${name} ${version}`,
        `Licence: ${license}`,
        RULE,
        '',
        notices || 'Brings no text of its licence.',
        '',
        '',
      ].join('\n'),
    )
    .join('');
}
