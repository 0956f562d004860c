/** The browser device of examples/browser, run as in its README. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { BOB, Folder, lineOf, linesOf, PSA, psa, USERS } from '../cli/sip-push.js';
import { Chromium } from '../support/pages/chromium.js';
import { describePeer } from '../support/programs/peers.js';
import { startProcess } from '../support/programs/process.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

describePeer('chromium', 'the device in a browser', () => {
  it('is bundled and served by one script, and shows pushes', async () => {
    await using folder = await Folder.make();
    await folder.write('users.json', { users: USERS });
    const listen = ['tcp', 'ws'].flatMap((transport) => [
      '--listen',
      `sip:127.0.0.1:0;transport=${transport}`,
    ]);
    await using network = await folder.start('network', '--users', 'users.json', '--json', ...listen);
    const [tcp = '', ws = ''] = (await lineOf(network, 'listening')).uris as string[];
    await using example = await startProcess(process.execPath, [`${EXAMPLES}browser/run.mjs`, '0']);
    const url = await example.line(/^http:/);

    // A request that is not for a page does not end the server.
    expect((await fetch(`${url}/`)).status).toBe(404);

    await using page = await Chromium.open(`${url}?server=${encodeURIComponent(ws)}`);
    const read = (selector: string) =>
      page.evaluate<string[]>(
        `[...document.querySelectorAll(${JSON.stringify(selector)})].map(({ innerText }) => innerText)`,
      );
    await page.until(`document.querySelector('#status')?.textContent.includes('is registered')`);
    expect(await read('#status')).toEqual([`${BOB} is registered`]);

    const { msrp } = JSON.parse(await readFile(`${EXAMPLES}browser/psa.json`, 'utf8'));
    await folder.write('psa.json', { ...psa(tcp), msrp });
    const modes = ['pager', 'session', 'indirect'];
    for (const mode of modes) {
      const sent = await folder.run(
        ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'mms.ua', '--mode', mode, '--json'],
        ...['--type', 'application/vnd.wap.mms-message', `${EXAMPLES}mms-notification.mms`],
      );
      expect(linesOf(sent), sent.stderr).toMatchObject([{ event: 'receipt', mode, outcome: 'delivered' }]);
    }
    await page.until(`document.querySelectorAll('#pushes li').length === ${modes.length}`);
    const cards = await read('#pushes li');
    expect(cards[0]).toMatch(/^Multimedia message from /);
    for (const mode of modes) expect(cards.join('\n')).toContain(`in ${mode} mode, from ${PSA}`);
    expect(page.problems.filter((each) => !each.includes('"type":"debug"'))).toEqual([]);
  });
});
