/** The command line: help, version, and invalid arguments. */

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPECTED_TEL } from '../../core/sip/values/tel-uri.js';
import { Folder } from './sip-push.js';

const COMMANDS = ['demo', 'host', 'send', 'network'];

describe('the arguments of sip-push', () => {
  let folder: Folder;
  beforeAll(async () => {
    folder = await Folder.make();
  });
  afterAll(() => folder.remove());

  it.each([['--help'], ['-h'], ['help']])('%s lists every command, with an example', async (word) => {
    const { code, stdout, stderr } = await folder.run(word);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toMatch(/^Example\n {2}sip-push /m);
  });

  it.each(COMMANDS)('%s --help has its usage, every option and an example', async (command) => {
    const { code, stdout, stderr } = await folder.run(command, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: sip-push ${command}`));
    expect(stdout).toMatch(/^ {2}--json /m);
    expect(stdout).toMatch(new RegExp(`^Example\\n  sip-push ${command} `, 'm'));
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    const expected = { code: 0, stdout: version, stderr: '' };
    expect(await folder.run('--version')).toMatchObject(expected);
    expect(await folder.runProcess('--version')).toMatchObject(expected);
  });

  it('prints help on stderr without a command', async () => {
    const { code, stdout, stderr } = await folder.runProcess();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/Usage: sip-push COMMAND/);
  });

  it.each(['frobnicate', '--json'])('rejects the command %s, and lists the commands', async (word) => {
    const { code, stdout, stderr } = await folder.run(word);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [, known = ''] =
      new RegExp(`^sip-push: unknown command ${word}: expected one of (.*)$`).exec(stderr) ?? [];
    expect(known.split(', ')).toEqual(expect.arrayContaining(COMMANDS));
  });

  it.each([
    [['hots'], 'unknown command hots; did you mean "host"?'],
    [['host', '--confg', 'a.json'], 'unknown option --confg; did you mean "--config"?'],
    [['demo', '-x'], 'unknown option -x: expected one of --once, --json, --help'],
    [['demo', '--once=yes'], 'unexpected value "yes": --once accepts no value'],
    [['demo', 'now'], 'unexpected argument "now": demo accepts options only'],
    [['host'], 'missing --config: expected e.g. --config bob.json'],
    [['host', '--config'], 'missing value of --config'],
    [['host', '--config', '--json'], 'missing value of --config'],
    [['host', '--config='], 'invalid --config "": expected a value'],
    [
      ['host', '--config', 'a.json', '--config', 'b.json'],
      'duplicate option --config: expected it at most once',
    ],
    [['send'], 'missing --to: expected e.g. --to sip:bob@domain.test'],
    [['send', '--to', 'bob'], 'invalid --to "bob": expected a SIP or tel URI, e.g. sip:bob@domain.test'],
    [['send', '--to', 'tel:7042'], `invalid --to "tel:7042": ${EXPECTED_TEL}`],
    [
      ['network', '--listen', 'here'],
      'invalid URI "here": expected a SIP URI, e.g. sip:127.0.0.1:5060;transport=udp',
    ],
    [
      ['network', '--listen', 'sip:127.0.0.1:0;transport=sctp'],
      'invalid transport "sctp" in sip:127.0.0.1:0;transport=sctp: expected udp, tcp, tls, ws, wss',
    ],
  ])('%j exits with 2 and prints %s', async (args, line) => {
    expect(await folder.run(...args)).toMatchObject({ code: 2, stdout: '', stderr: `sip-push: ${line}` });
  });

  const words = { to: 'sip:bob@domain.test', app: 'mms.ua', type: 'text/plain' };
  it.each([
    [{ app: 'a b' }, [], 'invalid --app "a b": expected an event-app-id, e.g. mms.ua'],
    [{ type: 'text' }, [], 'invalid --type "text": expected a media type, e.g. text/vnd.wap.si'],
    [{ mode: 'pagr' }, [], 'invalid --mode "pagr": expected auto, pager, session, indirect'],
    [{}, [], 'missing FILE: expected the file to push'],
    [{ mode: 'pager' }, ['a', 'b'], 'unexpected FILE "b": expected one FILE in pager mode'],
    [{ mode: 'indirect' }, ['a', 'b'], 'unexpected FILE "b": expected one FILE in indirect mode'],
    [
      { mode: 'session', 'content-url': 'http://a.test/' },
      [],
      'invalid --mode "session": expected auto, pager or indirect with --content-url',
    ],
    [{}, ['a'], 'missing --config: expected e.g. --config psa.json'],
    [{ config: 'none.json' }, ['a'], 'none.json does not exist'],
  ])('send with %j and %j exits with 2 and prints %s', async (more, files, line) => {
    const options = Object.entries({ ...words, ...more }).flatMap(([name, value]) => [`--${name}`, value]);
    expect(await folder.run('send', ...options, ...files)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `sip-push: ${line}`,
    });
  });
});
