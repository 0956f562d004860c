/** `sip-push send`: its exit code for each outcome, and its messages. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates } from '../../support/certificates.js';
import { TestHttpServer } from '../../support/pages/http-server.js';
import { freePort } from '../../support/programs/ports.js';
import type { Running } from '../../support/programs/running.js';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkCommand, USERS } from '../sip-push.js';

/** Accepts text, but fails at the word "fail". */
const TEXT_APP = `export default { id: 'text.ua', accepts: ['text/plain'],
  delivery: 'direct', order: 'parallel', start: () => ({
  receive: async (push) => {
    if (new TextDecoder().decode(await push.content.bytes(2_000_000)) === 'fail') throw new Error('as asked');
  } }) };`;
/** An instance of an application; two instances differ only in their IARI. */
const instanceApp = (
  name: string,
) => `export default { id: 'twin.ua', iari: '${iari(name)}', accepts: ['text/plain'],
  delivery: 'direct', order: 'parallel', events: { received: true }, start: ({ emit }) => ({ receive: async () => emit('received', { by: '${name}' }) }) };`;
const iari = (name: string) => `urn:urn-7:3gpp-application.ims.iari.${name}`;
const RECEIPT = {
  event: 'receipt',
  to: BOB,
  mode: 'pager',
  reason: expect.any(String),
  retryable: false,
  reported: false,
  bytes: 5,
  milliseconds: expect.any(Number),
  fileName: 'hello',
  why: expect.any(String),
};

const session = (fileName: string, bytes: number) => ({
  ...RECEIPT,
  terminal: expect.stringMatching(/;gr=/),
  mode: 'session',
  outcome: 'delivered',
  status: 200,
  reported: true,
  fileName,
  bytes,
});

describe('a push from the command line', () => {
  let folder: Folder;
  let core: Awaited<ReturnType<typeof startNetworkCommand>>;
  let host: Running;
  beforeAll(async () => {
    folder = await Folder.make();
    core = await startNetworkCommand(folder);
    await folder.write('text.mjs', TEXT_APP);
    await folder.write('red.mjs', instanceApp('red'));
    await folder.write('blue.mjs', instanceApp('blue'));
    await folder.write('bob.json', {
      ...bob(core.tcp),
      apps: ['./text.mjs', './red.mjs', './blue.mjs'],
      fetch: { allow: ['http://127.0.0.1:*'] },
    });
    await folder.write('psa.json', psa(core.tcp));
    await folder.write('hello', 'hello');
    await folder.write('fail', 'fail');
    host = await folder.start('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
  });
  afterAll(async () => {
    await host?.stop();
    await core?.running.stop();
    await folder?.remove();
  });

  const words = (file: string, more: Record<string, string> = {}) => [
    'send',
    ...Object.entries({ config: 'psa.json', to: BOB, app: 'text.ua', type: 'text/plain', ...more }).flatMap(
      ([name, value]) => [`--${name}`, value],
    ),
    file,
  ];

  it('exits with 0 if delivered, and prints a receipt with the documented fields', async () => {
    const { code, stdout, stderr } = await folder.run(...words('hello'), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(linesOf({ stdout })).toEqual([{ ...RECEIPT, outcome: 'delivered', status: 200 }]);
  });

  it('names the terminal of a GRUU in the receipt', async () => {
    const { publicGruu } = await lineOf(host, 'registered');
    const to = String(publicGruu);
    const { code, stdout } = await folder.run(...words('hello', { to }), '--json');
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toEqual([
      { ...RECEIPT, to, terminal: to, outcome: 'delivered', status: 200 },
    ]);
  });

  it('reaches one instance of an application with --iari', async () => {
    for (const name of ['blue', 'red']) {
      const sent = await folder.run(...words('hello', { app: 'twin.ua', iari: iari(name) }));
      expect(sent.code).toBe(0);
      await lineOf(host, 'app', { app: 'twin.ua', by: name });
    }
    expect(await folder.run(...words('hello', { iari: 'twin' }))).toMatchObject({
      code: 2,
      stderr: `sip-push: invalid --iari "twin": expected an IARI, e.g. ${iari('example')}`,
    });
  });

  it('prints text without --json', async () => {
    const { code, stdout, stderr } = await folder.run(...words('hello'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^delivered \(200\) hello to sip:bob@domain\.test: OK, pager mode, 5 bytes in \d+ ms \(.*sent to sip:bob@domain\.test: the core selects the terminals\)$/,
    );
  });

  it('C-03: exits with 1 if refused permanently', async () => {
    await folder.write('nobody.json', {
      ...psa(core.udp),
      username: 'bob',
      password: 'bob-password',
      identity: BOB,
    });
    // Bob does not trust his own identity.
    const { code, stdout } = await folder.run(...words('hello', { config: 'nobody.json' }), '--json');
    expect(linesOf({ stdout })).toEqual([{ ...RECEIPT, outcome: 'refused', status: 403 }]);
    expect(code).toBe(1);
  });

  it('C-02, C-04: exits with 75 if busy or without a terminal', async () => {
    const failed = await folder.run(...words('fail'), '--json');
    expect(linesOf(failed)).toMatchObject([{ status: 500, outcome: 'failed', retryable: true }]);
    expect(failed.code).toBe(75);
    const unreachable = await folder.run(...words('hello', { app: 'other.ua' }), '--json');
    expect(linesOf(unreachable)).toMatchObject([{ status: 480, outcome: 'failed', retryable: true }]);
    expect(unreachable.code).toBe(75);
    const inWords = await folder.run(...words('hello', { app: 'other.ua' }));
    expect(inWords.stdout).toMatch(/^failed \(480\) hello to sip:bob@domain\.test: .*; retryable \(.*\)$/);
  });

  it('exits with 1 for a wrong password, and names the server', async () => {
    await folder.write('wrong.json', { ...psa(core.tcp), password: 'wrong' });
    const { code, stdout, stderr } = await folder.run(...words('hello', { config: 'wrong.json' }), '--json');
    expect(linesOf({ stdout })).toMatchObject([{ outcome: 'refused', retryable: false }]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^not registered: \d{3} /);
  });

  it('8.1.2-03: sends a reference if the content does not fit a MESSAGE, with --mode pager', async () => {
    await folder.write('large', 'x'.repeat(1_000_000));
    const large = await folder.run(...words('large', { mode: 'pager' }), '--json');
    expect(large).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(large)).toEqual([
      {
        ...RECEIPT,
        ...{ mode: 'indirect', bytes: 1_000_000, outcome: 'delivered', status: 200, fileName: undefined },
      },
    ]);
    await lineOf(host, 'push', { mode: 'indirect', size: 1_000_000, outcome: 'accepted' });
  });

  it('uses session mode if the content does not fit a MESSAGE, with --mode auto', async () => {
    await folder.write('larger', 'y'.repeat(1_000_001));
    const { code, stdout } = await folder.run(...words('larger'), '--json');
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toEqual([session('larger', 1_000_001)]);
    await lineOf(host, 'push', {
      mode: 'session',
      size: 1_000_001,
      fileName: 'larger',
      outcome: 'accepted',
    });
  });

  it('offers MSRP over WebSocket with msrp.transport "ws", as the built command (RFC 7977)', async () => {
    await folder.write('ws.json', { ...psa(core.tcp), msrp: { host: '127.0.0.1', transport: 'ws' } });
    const { code, stdout } = await folder.runProcess(
      ...words('hello', { config: 'ws.json', mode: 'session', trace: 'ws.jsonl' }),
      '--json',
    );
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toEqual([session('hello', 5)]);
    const traced = linesOf({ stdout: await readFile(join(folder.path, 'ws.jsonl'), 'utf8') });
    expect(traced).toContainEqual(expect.objectContaining({ protocol: 'MSRP', transport: 'WS' }));
  });

  it('8.2.2-06: sends several files in one session, each with a receipt', async () => {
    await folder.write('first', 'one');
    await folder.write('second', 'two two');
    const { code, stdout } = await folder.run(
      ...words('first', { mode: 'session' }),
      'second',
      'fail',
      '--report',
      '--json',
    );
    const [one, two, three] = linesOf({ stdout });
    expect([one, two]).toEqual([session('first', 3), session('second', 7)]);
    expect(three).toMatchObject({ fileName: 'fail', status: 400, outcome: 'refused', retryable: true });
    expect(code).toBe(75);
  });

  it('prints the id of a failed push in a session, so that it can be resumed', async () => {
    const { code, stderr } = await folder.run(...words('fail', { mode: 'session' }));
    expect(code).toBe(75);
    expect(stderr).toMatch(/^to resume the transfer, repeat the command with --id [0-9a-f]+$/m);
  });

  it('prints no id if nothing was transferred', async () => {
    const unreachable = await folder.run(...words('hello', { mode: 'session', app: 'other.ua' }));
    expect(unreachable).toMatchObject({ code: 75, stderr: '' });
  });

  it.each([
    [{ mode: 'pager' }, '--report', /^sip-push: unexpected --report: pager mode has no reports/],
    [{ mode: 'indirect' }, '--report', /indirect mode has no reports: expected --mode session or auto$/],
    [
      { via: 'http://127.0.0.1:1', key: 'k' },
      '--json',
      /unexpected --config "psa\.json": expected either --config or --via$/,
    ],
  ] as [Record<string, string>, string, RegExp][])(
    '%j %s contradict each other: exit 2',
    async (more, word, problem) => {
      const { code, stdout, stderr } = await folder.run(...words('hello', more), word);
      expect({ code, stdout, stderr }).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(problem),
      });
    },
  );

  it('warns about options without effect, and sends the push', async () => {
    const sent = await folder.run(...words('hello', { mode: 'pager', id: 'a1', key: 'k' }));
    expect(sent).toMatchObject({
      code: 0,
      stderr: [
        '--key has no effect without --via',
        '--id has no effect in pager mode: only session mode resumes',
      ].join('\n'),
    });
  });

  it('exits with 2 if the content of a session is not a file', async () => {
    expect(await folder.run(...words('/dev/zero', { mode: 'session' }), '--json')).toMatchObject({
      code: 2,
      stdout: '',
      stderr:
        'sip-push: invalid FILE "/dev/zero": expected a regular file, which session mode can read repeatedly',
    });
  });

  it('8.1.2-03: sends a reference for any size with --mode indirect', async () => {
    const { code, stdout } = await folder.run(...words('hello', { mode: 'indirect' }), '--json');
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toMatchObject([{ mode: 'indirect', bytes: 5, outcome: 'delivered' }]);
    const failed = await folder.run(...words('fail', { mode: 'indirect' }), '--json');
    expect([failed.code, failed.stderr]).toEqual([75, '']);
  });

  it('8.1.2-03a: sends a reference to another server with --content-url', async () => {
    const server = await TestHttpServer.start((_request, response) => response.end('elsewhere'));
    const [command = '', ...rest] = words('');
    const url = (where: string) => [command, ...rest.slice(0, -1), '--content-url', where, '--json'];
    const good = await folder.run(...url(server.url('/content')));
    expect(linesOf(good)).toMatchObject([{ mode: 'indirect', outcome: 'delivered', bytes: 0 }]);
    const inWords = await folder.run(...url(server.url('/content')).slice(0, -1));
    expect(inWords.stdout).toMatch(
      /^delivered \(200\) sip:bob.*: OK, the reference was delivered in \d+ ms \(the content is at a URL; .*\)$/,
    );
    await lineOf(host, 'push', { mode: 'indirect', size: 'elsewhere'.length });
    const refused = await folder.run(...url('http://169.254.169.254/latest/meta-data'));
    expect(linesOf(refused)).toMatchObject([{ outcome: 'refused', status: 403, retryable: false }]);
    expect(refused.code).toBe(1);
    await lineOf(host, 'refused', {
      reason: 'not-allowed: http://169.254.169.254 is not an allowed origin: add it to fetch.allow',
    });
    expect((await folder.run(...url('nowhere'))).stderr).toMatch(
      /invalid --content-url "nowhere": expected a URL/,
    );
    expect((await folder.run(...url(server.url()), 'hello')).stderr).toMatch(/unexpected FILE "hello"/);
    await server.close();
  });

  it('exits with 1 for endless input, and names the limit', async () => {
    const endless = await folder.run(...words('/dev/zero'), '--json');
    expect(endless).toMatchObject({
      code: 1,
      stderr: 'sip-push: /dev/zero does not fit in pager mode: /dev/zero has more than 1300 bytes',
    });
  });

  it.each([
    ['none', 'none does not exist'],
    ['.', '. is a folder'],
  ])('exits with 2 for the file %s, before it connects', async (file, problem) => {
    const expected = { code: 2, stdout: '', stderr: `sip-push: ${problem}` };
    // Connecting to this server fails at once, and prints a line on stderr.
    await folder.write('unreachable.json', psa(`sip:127.0.0.1:${await freePort()};transport=tcp`));
    const config = 'unreachable.json';
    expect(await folder.run(...words(file, { config }), '--json')).toMatchObject(expected);
    const several = [...words('hello', { config, mode: 'session' }), file];
    const { code, stderr } = await folder.run(...several);
    expect([code, stderr.split('\n').length]).toEqual([2, 1]);
  });

  it('exits with 2 for a missing file with --via, before it connects', async () => {
    const via = `http://127.0.0.1:${await freePort()}`;
    const push = ['--to', BOB, '--app', 'text.ua', '--type', 'text/plain', 'hello', 'none'];
    expect(await folder.run('send', '--via', via, '--key', 'key', ...push)).toMatchObject({
      code: 2,
      stderr: 'sip-push: none does not exist',
    });
  });

  it('accepts every documented key, and rejects others', async () => {
    await folder.write('odd.json', { ...psa(core.tcp), msrp: { prots: '1-2' }, pubilsh: {} });
    expect(await folder.run(...words('hello', { config: 'odd.json' }))).toMatchObject({
      code: 2,
      stderr: [
        'sip-push: odd.json: unknown key "msrp.prots"; did you mean "ports"?',
        'sip-push: odd.json: unknown key "pubilsh"; did you mean "publish"?',
      ].join('\n'),
    });
    await folder.write('every.json', {
      ...psa(core.tcp),
      register: true,
      assertIdentity: true,
      msrp: {
        host: '127.0.0.1',
        ports: '20000-20100',
        relay: { uri: 'msrps://127.0.0.1:2855;tcp', username: 'psa', password: '…' },
      },
      publish: { host: '127.0.0.1', port: 0, url: 'https://push.operator.test' },
    });
    expect(await folder.run(...words('hello', { config: 'every.json' }))).toMatchObject({
      code: 0,
      stderr: '',
    });
    await folder.write('ports.json', { ...psa(core.tcp), msrp: { ports: '20100-20000' } });
    expect(await folder.run(...words('hello', { config: 'ports.json' }))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"msrp\.ports".*expected a range of ports, e\.g\. 20000-20100/),
    });
  });

  describe('without an answer', () => {
    let silent: Socket;
    let silentServer: string;
    beforeAll(async () => {
      silent = createSocket('udp4');
      silent.bind(0, '127.0.0.1');
      await once(silent, 'listening');
      silentServer = `sip:127.0.0.1:${silent.address().port};transport=udp`;
      await folder.write('silent.json', { ...psa(silentServer), register: false });
    });
    afterAll(() => void silent?.close());
    afterEach(() => void vi.useRealTimers());

    /** Advances the clock in steps of a second, between which sockets are served. */
    async function advanceUntilEnd({ exited }: Running): Promise<void> {
      let over = false;
      void exited.then(() => {
        over = true;
      });
      while (!over) {
        await vi.advanceTimersByTimeAsync(1_000);
        await setImmediate();
      }
    }

    it('reports a silent server after 4 s, and exits with 75 after Timer F', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const received = once(silent, 'message');
      await using sending = await folder.start(...words('hello', { config: 'silent.json' }), '--json');
      await received;
      await vi.advanceTimersByTimeAsync(3_999);
      expect(sending.stderr).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await sending.line(/^no answer from sip:127\.0\.0\.1:\d+;transport=udp yet; waiting$/);
      await vi.advanceTimersByTimeAsync(27_000);
      expect(sending.stdout).toEqual([]);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toEqual([{ ...RECEIPT, status: 408, outcome: 'failed', retryable: true }]);
    });

    it('reports a refused connection once, and exits with 75', async () => {
      const server = `sip:127.0.0.1:${await freePort()};transport=tcp`;
      await folder.write('refusing.json', psa(server));
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      await using sending = await folder.start(...words('hello', { config: 'refusing.json' }), '--json');
      await sending.line(/^no connection to sip:127\.0\.0\.1:\d+;transport=tcp: .*ECONNREFUSED/);
      await advanceUntilEnd(sending);
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toEqual([
        { ...RECEIPT, reason: expect.stringMatching(/ECONNREFUSED/), outcome: 'failed', retryable: true },
      ]);
      expect(sending.stderr).toEqual([
        expect.stringMatching(/^no connection to .*ECONNREFUSED/),
        `no connection to ${server} yet; retrying`,
      ]);
    });

    it('exits with 75 at once if the certificate is not trusted', async () => {
      const certificates = await makeCertificates();
      const { certFile: cert, keyFile: key } = certificates;
      await folder.write('tls-users.json', { users: USERS, tls: { cert, key } });
      const listen = 'sip:127.0.0.1:0;transport=tls';
      const network = ['network', '--users', 'tls-users.json', '--listen', listen, '--json'];
      await using secure = await folder.start(...network);
      const { uris } = await lineOf(secure, 'listening');
      await folder.write('untrusting.json', psa(String(uris)));
      const { code, stdout, stderr } = await folder.run(
        ...words('hello', { config: 'untrusting.json' }),
        '--json',
      );
      const why = /unable to verify the first certificate/;
      expect(linesOf({ stdout })).toMatchObject([{ outcome: 'failed', reason: expect.stringMatching(why) }]);
      expect(code).toBe(75);
      expect(stderr).toMatch(why);
      await certificates.remove();
    });

    it('connects to a server that starts meanwhile', async () => {
      const port = await freePort();
      const server = `sip:127.0.0.1:${port};transport=tcp`;
      await folder.write('late.json', psa(server));
      await using sending = await folder.start(...words('hello', { config: 'late.json', to: BOB }), '--json');
      await sending.line(/^no connection to /);
      await using late = await folder.start('network', '--users', 'users.json', '--listen', server);
      await late.line(/^listening/);
      // No terminal is registered there.
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toMatchObject([{ status: 480 }]);
    });

    it('exits with 75 if no server listens over UDP', async () => {
      await folder.write('closed.json', psa(`sip:127.0.0.1:${await freePort()};transport=udp`));
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      await using sending = await folder.start(...words('hello', { config: 'closed.json' }), '--json');
      await advanceUntilEnd(sending);
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toMatchObject([{ outcome: 'failed', retryable: true }]);
      // The error of a datagram is reported at the next send or receive.
      expect(sending.stderr.join('\n')).toMatch(/^(no connection to .*ECONNREFUSED[^\n]*\n?){1,2}$/);
    });

    it.each([['SIGINT'], ['SIGTERM']] as const)(
      '%s ends the wait: 75, and the unknown outcome is reported',
      async (signal) => {
        // Accepts connections, and sends nothing.
        const server = createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        const address = server.address();
        if (address === null || typeof address === 'string') throw new Error('no port');
        const config = `${signal}.json`;
        await folder.write(config, {
          ...psa(`sip:127.0.0.1:${address.port};transport=tcp`),
          register: false,
        });
        const received = new Promise<void>((resolve) => {
          server.once('connection', (socket) => {
            socket.on('error', () => {});
            socket.once('data', () => resolve());
          });
        });
        await using sending = await folder.start(...words('hello', { config }), '--json');
        await received;
        sending.kill(signal);
        expect(await sending.ended()).toEqual({ code: 75, signal: null });
        expect(sending.stdout).toEqual([]);
        expect(sending.stderr).toEqual(['ended before an answer: the push may have been delivered']);
        server.close();
      },
    );
  });
});

describe('a push to a telephone number', () => {
  const TEL = 'tel:+46-70-1234567';
  it.each(['pager', 'session'])(
    'in %s mode is sent to its tel URI, of which the core finds the user',
    async (mode) => {
      const folder = await Folder.make();
      const users = { ...USERS, bob: { password: USERS.bob, identities: [BOB, 'tel:+46701234567'] } };
      await folder.write('tel-users.json', { users });
      const network = await folder.start('network', '--users', 'tel-users.json', '--json');
      try {
        const { uris } = await lineOf(network, 'listening');
        const [, tcp = ''] = uris as string[];
        await folder.write('text.mjs', TEXT_APP);
        await folder.write('bob.json', { ...bob(tcp), apps: ['./text.mjs'] });
        await folder.write('psa.json', psa(tcp));
        await folder.write('hello', 'hello');
        await using host = await folder.start('host', '--config', 'bob.json', '--json');
        await lineOf(host, 'registered');
        const to = (uri: string) =>
          folder.run(
            ...['send', '--config', 'psa.json', '--to', uri, '--app', 'text.ua', '--type', 'text/plain'],
            ...['--mode', mode, '--json', 'hello'],
          );
        const sent = await to(TEL);
        expect(linesOf(sent)).toMatchObject([{ to: TEL, mode, outcome: 'delivered', status: 200 }]);
        // A number that the core does not know.
        expect(linesOf(await to('tel:+4670'))).toMatchObject([{ outcome: 'refused', status: 404 }]);
      } finally {
        await network.stop();
        await folder.remove();
      }
    },
  );
});
