/** `sip-push record` and `replay`: recorded pushes are replayed, and differences are reported. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkCommand } from '../sip-push.js';

/** Counts bytes. Refuses texts about snow, and large files before their transfer. */
const app = (word: string) => `
import { refuse } from 'sip-push/sdk';
export default {
  id: 'weather.ua',
  accepts: ['text/plain'],
  delivery: 'direct',
  order: 'parallel',
  events: { ${word}: true },
  start: ({ emit }) => ({
    consider({ size }) { if (size > 50000) throw refuse('size', 'too large'); },
    async receive({ id, content, mode, fileName }) {
      let text = '';
      for await (const chunk of content.open()) text += new TextDecoder().decode(chunk);
      if (text.includes('snow')) throw refuse('declined', 'no snow');
      emit('${word}', { push: id, mode, fileName: fileName ?? null, characters: text.length });
    },
  }),
};`;

describe('a recording', () => {
  let folder: Folder;

  beforeAll(async () => {
    folder = await Folder.make();
    const network = await startNetworkCommand(folder);
    await using _ = network.running;
    // As an installed package.
    const here = new URL('../../..', import.meta.url).href;
    await folder.write('same.mjs', app('rain').replace('sip-push/sdk', `${here}dist/sdk/index.js`));
    await folder.write('other.mjs', app('sun').replace('sip-push/sdk', `${here}dist/sdk/index.js`));
    await folder.write('bob.json', { ...bob(network.tcp), apps: ['./same.mjs'] });
    await folder.write('psa.json', psa(network.tcp));
    await folder.write('small.txt', 'rain');
    await folder.write('snow.txt', 'snow');
    await folder.write('large.txt', 'rain, then sun. '.repeat(2000));
    await folder.write('huge.txt', 'rain, then sun. '.repeat(4000));
    await using device = await folder.start(
      ...['record', '--config', 'bob.json', '--out', 'rain.recording', '--json'],
    );
    await lineOf(device, 'registered');
    const push = (mode: string, type: string, ...files: string[]) =>
      folder.run(
        ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'weather.ua'],
        ...['--type', type, '--mode', mode, ...files],
      );
    expect(await push('pager', 'text/plain', 'small.txt')).toMatchObject({ code: 0 });
    await push('session', 'text/plain', 'large.txt', 'snow.txt');
    await push('pager', 'text/plain', 'snow.txt');
    await push('pager', 'text/html', 'small.txt');
    await push('session', 'text/plain', 'huge.txt');
    device.kill('SIGTERM');
    expect(await device.ended()).toEqual({ code: 0, signal: null });
  });

  afterAll(() => folder.remove());

  it('contains no credentials, and is readable by its owner only', async () => {
    const path = join(folder.path, 'rain.recording');
    const bytes = linesOf({ stdout: await readFile(path, 'utf8').then((text) => text.replace(/\n$/, '')) })
      .map((line) =>
        typeof line.bytes === 'string' ? Buffer.from(line.bytes, 'base64').toString('latin1') : '',
      )
      .join('\n');
    expect(bytes).toContain('REGISTER sip:domain.test SIP/2.0');
    expect(bytes).toContain('401 Unauthorized');
    expect(bytes).not.toMatch(/authoriz?ation:|authenticate:|nonce/i);
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  it('can be shown as a trace', async () => {
    const { code, stdout } = await folder.run('trace', 'rain.recording');
    expect(code).toBe(0);
    expect(stdout).toMatch(/event {2}\{"event":"push",/);
    expect(stdout).toMatch(/← MSRP TCP .* SEND/);
  });

  it('replayed with the same application has no differences', async () => {
    const { code, stdout, stderr } = await folder.run(
      'replay',
      'rain.recording',
      '--app',
      './same.mjs',
      '--json',
    );
    expect({ stderr, lines: linesOf({ stdout }) }).toEqual({
      stderr: '',
      lines: [{ event: 'replayed', pushes: 6, skipped: [], differences: [] }],
    });
    expect(code).toBe(0);
  });

  it('replayed with another application prints the differences and exits with 1', async () => {
    const { code, stdout, stderr } = await folder.run('replay', 'rain.recording', '--app', './other.mjs');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^- \{"event":"app","app":"weather\.ua","characters":4,.*"kind":"rain"/m);
    expect(stdout).toMatch(/^\+ \{"event":"app","app":"weather\.ua","characters":4,.*"kind":"sun"/m);
    expect(stderr).toMatch(/6 pushes replayed: there are differences$/);
  });

  it('ignores fields of --ignore, and uses the applications of a configuration', async () => {
    await folder.write('other.json', { ...bob('sip:127.0.0.1:5060'), apps: ['./other.mjs'] });
    const { code, stdout, stderr } = await folder.run(
      ...['replay', 'rain.recording', '--config', 'other.json', '--ignore', 'kind'],
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: '6 pushes replayed: no differences',
    });
  });

  it.each([
    [
      ['replay', 'rain.recording'],
      'missing --app: weather.ua is not a bundled application: expected e.g. --app ./dist/index.js',
    ],
    [['replay', 'users.json'], 'users.json, line 1: "time" is missing'],
    [['record', '--config', 'bob.json'], 'missing --out: expected e.g. --out rain.recording'],
  ])('rejects %j', async (words, problem) => {
    const { code, stdout, stderr } = await folder.run(...words);
    expect({ code, stdout, stderr: stderr.split('\n')[0] }).toEqual({
      code: 2,
      stdout: '',
      stderr: `sip-push: ${problem}`,
    });
  });

  it('fails if no push of a recording can be replayed', async () => {
    const request = [
      'MESSAGE sip:bob@127.0.0.1 SIP/2.0',
      'Via: SIP/2.0/TCP 127.0.0.1:40000;branch=z9hG4bK1',
      ...['Max-Forwards: 70', 'From: <sip:psa@domain.test>;tag=1', 'To: <sip:bob@domain.test>'],
      ...['Call-ID: a', 'CSeq: 1 MESSAGE', 'Content-Type: text/plain', 'Content-Length: 4', '', 'rain'],
    ].join('\r\n');
    const end = { host: '127.0.0.1', port: 5060 };
    await folder.write('nobody.recording', {
      ...{ time: '2026-11-21T12:00:00.000Z', direction: 'in', transport: 'TCP', local: end, remote: end },
      bytes: Buffer.from(request).toString('base64'),
    });
    const { code, stderr } = await folder.run('replay', 'nobody.recording');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'sip-push: no push of nobody.recording can be replayed: the request names no application',
    });
  });
});
