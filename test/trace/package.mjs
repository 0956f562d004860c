/** Imports the built package of any folder by the names of its `exports`. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @param {string} folder of its package.json
 * @returns an `import` for names such as `./sdk`
 */
export function importPackage(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return (name) => import(pathToFileURL(join(folder, exports[name].default)).href);
}
