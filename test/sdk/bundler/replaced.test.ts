/** The lists of what is replaced name modules that there are: one that was moved would be back in every bundle. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../../sdk/bundler/modules.js';
import { shortenedModules } from '../../../sdk/bundler/shortened.js';
import { replacedModules } from '../../../sdk/bundler/stand-ins.js';
import { unusedOf } from '../../../sdk/bundler/unused.js';

const NOTHING = {
  platform: 'node',
  store: 'memory',
  ...{
    webSocket: false,
    udp: false,
    aka: false,
    relay: false,
    senders: false,
    profile: false,
    listen: false,
  },
  ...{ schedule: false, provides: false, schemas: false, quotas: false, workers: false, foreign: false },
} as const;

it.each([
  ...unusedOf(NOTHING).flatMap(({ modules }) => Object.keys(modules)),
  ...unusedOf({ ...NOTHING, store: 'level' }).flatMap(({ modules }) => Object.keys(modules)),
  ...Object.keys(shortenedModules(false)),
  ...replacedModules,
])('%s', (module) => {
  const places = ['', 'node_modules', 'sdk/bundler'].flatMap((folder) =>
    ['.ts', '.js'].map((extension) => join(ROOT, folder, module + extension)),
  );
  expect(places.some((path) => existsSync(path))).toBe(true);
});
