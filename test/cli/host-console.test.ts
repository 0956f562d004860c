/** The answers of `sip-push host --console`. */

import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, answerTo } from '../../sdk/cli/host-console.js';
import { startProcess } from '../support/programs/process.js';
import { BOB, bob, CLI, Folder, lineOf, psa, startNetworkCommand } from './sip-push.js';

describe('a line', () => {
  const queries: unknown[] = [];
  let letters: { id: string }[] = [];
  afterEach(() => {
    letters = [];
  });
  const host: Parameters<typeof answerTo>[1] = {
    async query(...words) {
      queries.push(words);
      if (words[1] === 'fail') throw new Error('as asked');
      return words[1] === 'nothing' ? undefined : { well: true };
    },
    runtime: {
      eventAppIds: ['mms.ua', 'wml.ua'],
      deadLetters: () => letters,
      redeliver: async (id) => id === 'one',
      dropDeadLetter: async (id) => id === 'one' || id === 'on',
    },
  };

  it.each<[string, Partial<Record<'answer' | 'error', unknown>>]>([
    ['dead-letters', { answer: [] }],
    ['redeliver one', { answer: true }],
    ['redeliver two', { error: 'no dead letter "two": list them with dead-letters' }],
    ['drop one', { answer: true }],
    ['drop two', { error: 'no dead letter "two": list them with dead-letters' }],
    ['mms.ua messages', { answer: { well: true } }],
    ['mms.ua nothing', { answer: null }],
    ['mms.ua fail', { error: 'as asked' }],
    ['x-wap-application:mms.ua messages', { answer: { well: true } }],
    ['mms.ua', { error: 'missing query: expected mms.ua QUERY [JSON]' }],
    [
      'help',
      {
        answer: [
          expect.stringMatching(/^APP QUERY \[JSON\] /),
          expect.stringMatching(/^dead-letters /),
          expect.stringMatching(/^redeliver ID, drop ID /),
          'applications: mms.ua, wml.ua',
        ],
      },
    ],
    [
      'weather.ua forecast for Ghent',
      {
        error: 'invalid command or application "weather.ua": "help" lists the commands and the applications',
      },
    ],
    [
      'mms.au messages',
      {
        error: 'invalid command or application "mms.au"; did you mean "mms.ua"?',
      },
    ],
    [
      'redeliver',
      { error: 'invalid command or application "redeliver": "help" lists the commands and the applications' },
    ],
    [
      'mms.ua retrieve {"key":',
      { error: expect.stringMatching(/^invalid arguments "\{"key":": expected JSON /) },
    ],
  ])('%s', async (line, answer) => {
    expect(await answerTo(line, host)).toEqual<Answer>({ event: 'answer', line, ...answer } as Answer);
  });

  it.each<[string, string[], Partial<Record<'answer' | 'error', unknown>>]>([
    ['redeliver o', ['one', 'two'], { answer: true }],
    ['redeliver on…', ['one', 'two'], { answer: true }],
    ['drop on', ['on', 'one'], { answer: true }],
    [
      'drop o',
      ['on', 'one', 'two'],
      { error: 'ambiguous id "o": expected more characters of one of on, one' },
    ],
    [
      'redeliver a',
      ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
      { error: 'ambiguous id "a": expected more characters of one of a1, a2, a3, a4, a5 and 2 others' },
    ],
    ['redeliver x', ['one'], { error: 'no dead letter "x": list them with dead-letters' }],
  ])('%s, with the dead letters %j', async (line, ids, answer) => {
    letters = ids.map((id) => ({ id }));
    expect(await answerTo(line, host)).toEqual<Answer>({ event: 'answer', line, ...answer } as Answer);
  });

  it('that is too long is rejected', async () => {
    const { line, ...answer } = await answerTo(`mms.ua retrieve "${'x'.repeat(65_536)}"`, host);
    expect(answer).toEqual({ event: 'answer', error: 'invalid line: expected at most 65536 characters' });
    expect(line).toHaveLength(201);
  });

  it('passes its arguments on', async () => {
    await answerTo('mms.ua   retrieve  {"transactionId": "T 1"}', host);
    expect(queries.at(-1)).toEqual(['mms.ua', 'retrieve', { transactionId: 'T 1' }]);
  });
});

describe('sip-push host --console', () => {
  let folder: Folder;
  let core: Awaited<ReturnType<typeof startNetworkCommand>>;
  beforeAll(async () => {
    folder = await Folder.make();
    core = await startNetworkCommand(folder);
    await folder.write('bob.json', {
      ...bob(core.tcp),
      apps: [{ use: 'mms.ua', options: { retrieve: 'manual' } }],
    });
    await folder.write('psa.json', psa(core.tcp));
    await folder.write(
      'notification.mms',
      await readFile(new URL('../../examples/mms-notification.mms', import.meta.url)),
    );
  });
  afterAll(async () => {
    await core?.running.stop();
    await folder?.remove();
  });

  const start = () => folder.start('host', '--config', 'bob.json', '--json', '--console');

  it('queries an application, and ends on a signal', async () => {
    await using host = await start();
    await lineOf(host, 'registered');
    await folder.run(
      ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'mms.ua'],
      ...['--type', 'application/vnd.wap.mms-message', 'notification.mms'],
    );
    const { transactionId } = await lineOf(host, 'app', { kind: 'notification' });
    host.stdin.write(`mms.ua retrieve ${JSON.stringify({ transactionId })}\n`);
    expect(await lineOf(host, 'answer')).toMatchObject({ answer: { transactionId, state: 'retrieving' } });
    host.stdin.write('mms.ua nonsense');
    host.stdin.write('\ndead-letters\n');
    expect(await lineOf(host, 'answer', { line: 'dead-letters' })).toMatchObject({ answer: [] });
    host.stdin.write('help\n');
    expect(await lineOf(host, 'answer', { line: 'help' })).toMatchObject({
      answer: expect.arrayContaining(['applications: mms.ua']),
    });
    expect(await lineOf(host, 'answer', { line: 'mms.ua nonsense' })).toMatchObject({
      error: expect.stringContaining('unknown query "nonsense"'),
    });
    // Its stdin is still open.
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });

  it.each(['<&-', '< /dev/null', '< bob.json'])('continues if stdin is %s', async (redirection) => {
    const words = ['host', '--config', 'bob.json', '--json', '--console'];
    const script = `exec "$0" "$@" ${redirection}`;
    await using host = await startProcess('/bin/bash', ['-c', script, process.execPath, CLI, ...words], {
      cwd: folder.path,
    });
    await lineOf(host, 'registered');
    // An invalid command is answered too.
    if (redirection.endsWith('.json')) {
      expect(await lineOf(host, 'answer')).toMatchObject({ error: expect.any(String) });
    }
    const sent = await folder.run(
      ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'mms.ua', '--type', 'text/plain', 'bob.json'],
    );
    expect(sent.code).toBe(1);
    await lineOf(host, 'refused', { status: 415 });
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });
});
