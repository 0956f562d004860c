/** The folder of an application under development: which changes are reported. */

import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchFolder } from '../../sdk/dev/watch.js';
import { eventually } from '../support/wait.js';

let folder: string;
let unwatch: () => void;
const changed = vi.fn();
const seen = vi.fn();

beforeEach(async () => {
  // A change is reported when its timer has ended.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = await mkdtemp(join(tmpdir(), 'sip-push-watch-'));
  for (const name of ['src', 'data', 'store', '.git', 'node_modules']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'src/index.ts'), '');
  unwatch = await watchFolder(folder, {
    except: [join(folder, 'store')],
    isSource: (file) => {
      seen(file);
      return /\.(ts|json)$/.test(file);
    },
    changed,
    failed: (error) => {
      throw error;
    },
  });
  seen.mockClear();
  changed.mockClear();
});

afterEach(async () => {
  unwatch();
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const write = (path: string) => writeFile(join(folder, path), 'x');
const whenSeen = (path: string) =>
  eventually(`an event of ${path}`, () =>
    seen.mock.calls.some(([file]) => file === join(folder, path)) ? true : undefined,
  );
const whenReported = async () => {
  await eventually('a timer', () => (vi.getTimerCount() > 0 ? true : undefined));
  vi.runAllTimers();
  await eventually('a report', () => (changed.mock.calls.length > 0 ? true : undefined));
};

it.each(['weather.log', 'data/000003.log', 'data/CURRENT', 'src/index.ts~', 'src/4913', 'src/#index.ts#'])(
  'a file that is not a source is ignored: %s',
  async (path) => {
    await write(path);
    await whenSeen(path);
    expect(vi.getTimerCount()).toBe(0);
  },
);

it('version control, installed packages, swap files and the store of the device are ignored', async () => {
  for (const path of ['.git/index.ts', 'node_modules/a.ts', 'src/.index.ts.swp', 'store/a.ts'])
    await write(path);
  // Events of a folder are in order.
  await write('last.log');
  await write('src/last.log');
  await whenSeen('last.log');
  await whenSeen('src/last.log');
  expect(vi.getTimerCount()).toBe(0);
});

it.each(['src/index.ts', 'src/new.ts', 'package.json'])('a source is reported: %s', async (path) => {
  await write(path);
  await whenReported();
});

it('a new folder is reported if it has sources', async () => {
  await mkdir(join(folder, 'logs'));
  await eventually('a timer', () => (vi.getTimerCount() > 0 ? true : undefined));
  vi.runAllTimers();
  // The folders are watched again then.
  await eventually('a new watcher', async () => {
    await write('logs/today.log');
    return seen.mock.calls.some(([file]) => file === join(folder, 'logs/today.log')) ? true : undefined;
  });
  expect(changed).not.toHaveBeenCalled();
  await mkdir(join(folder, 'elsewhere/deep'), { recursive: true });
  await rename(join(folder, 'src/index.ts'), join(folder, 'elsewhere/deep/index.ts'));
  await whenReported();
});

it('a folder of sources that is removed is reported', async () => {
  await rename(join(folder, 'src'), join(folder, 'node_modules/src'));
  await whenReported();
});
