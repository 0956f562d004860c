import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { SipPushError } from '../../core/errors.js';

describe('openStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sip-push-store-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('creates the folder, and has the stored values after it is reopened', async () => {
    const at = join(folder, 'a', 'b');
    const store = await platform.openStore(at);
    await store.batch([{ type: 'put', key: 'k', value: 'v' }], { sync: true });
    await store.close();
    const reopened = await platform.openStore(at);
    expect(await reopened.get('k')).toBe('v');
    await reopened.close();
    // Other users cannot read it, whatever the umask of the process.
    for (const made of [at, join(folder, 'a')]) expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('is in memory without a folder, each store separate', async () => {
    const [one, other] = await Promise.all([platform.openStore(), platform.openStore()]);
    await one.batch([{ type: 'put', key: 'k', value: 'v' }], { sync: true });
    expect(await one.get('k')).toBe('v');
    expect(await other.get('k')).toBeUndefined();
    await Promise.all([one.close(), other.close()]);
  });

  it('reports a folder that is in use', async () => {
    const store = await platform.openStore(folder);
    await expect(platform.openStore(folder)).rejects.toThrow(
      new SipPushError(`the store in ${folder} is open in another process; give each host a folder`),
    );
    await store.close();
  });

  it('reports an unusable folder', async () => {
    await writeFile(join(folder, 'file'), '');
    const opening = platform.openStore(join(folder, 'file'));
    await expect(opening).rejects.toThrow(SipPushError);
    await expect(opening).rejects.toThrow(/the store in .*file does not open: EEXIST/);
  });
});
