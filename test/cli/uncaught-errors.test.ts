/** Uncaught errors in an application do not stop the host. */

import { expect, it } from 'vitest';
import { BOB, bob, Folder, lineOf, psa, startNetworkCommand } from './sip-push.js';

const APP = `export default {
  id: 'stray.ua',
  accepts: ['text/plain'],
  start() {
    return {
      receive() {
        setTimeout(() => { throw new Error('a stray timer'); });
        setTimeout(() => { throw Object.create(null); });
        void Promise.reject(new Error('a stray promise'));
      },
    };
  },
};
`;

it('logs an uncaught error in a timer or a promise, and continues', async () => {
  await using folder = await Folder.make();
  const core = await startNetworkCommand(folder);
  try {
    await folder.write('stray.mjs', APP);
    await folder.write('text', 'content');
    await folder.write('psa.json', psa(core.udp));
    await folder.write('bob.json', { ...bob(core.tcp), apps: ['./stray.mjs'] });
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
    const words = ['--config', 'psa.json', '--to', BOB, '--app', 'stray.ua', '--type', 'text/plain', 'text'];
    expect(await folder.run('send', ...words)).toMatchObject({ code: 0 });
    await host.line(/a stray timer/);
    await host.line(/a stray promise/);
    expect(await folder.run('send', ...words)).toMatchObject({ code: 0 });
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  } finally {
    await core.running.stop();
  }
});
