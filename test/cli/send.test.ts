/** `sip-push send`: how it ends, by what became of the push, and what is said meanwhile. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { TestHttpServer } from '../support/http-server.js';
import { freePort } from '../support/ports.js';
import type { Running } from '../support/running.js';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkCommand, USERS } from './sip-push.js';

/** Takes text, but fails at the word «fail». */
const TEXT_APP = `export default { id: 'text.ua', accepts: ['text/plain'], start: () => ({
  receive: async (push) => {
    if (new TextDecoder().decode(await push.content.bytes(2_000_000)) === 'fail') throw new Error('as asked');
  } }) };`;
/** One of two instances of an application, told apart by nothing but their IARI. */
const twin = (
  name: string,
) => `export default { id: 'twin.ua', iari: '${iari(name)}', accepts: ['text/plain'],
  needs: ['emit'], start: ({ emit }) => ({ receive: async () => emit('taken', { by: '${name}' }) }) };`;
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
    await folder.write('red.mjs', twin('red'));
    await folder.write('blue.mjs', twin('blue'));
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

  it('delivered: exit 0, and a receipt with the documented fields', async () => {
    const { code, stdout, stderr } = await folder.run(...words('hello'), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(linesOf({ stdout })).toEqual([{ ...RECEIPT, outcome: 'delivered', status: 200 }]);
  });

  it('to one terminal by its GRUU: the receipt names it', async () => {
    const { publicGruu } = await lineOf(host, 'registered');
    const to = String(publicGruu);
    const { code, stdout } = await folder.run(...words('hello', { to }), '--json');
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toEqual([
      { ...RECEIPT, to, terminal: to, outcome: 'delivered', status: 200 },
    ]);
  });

  it('to one instance of an application: --iari', async () => {
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

  it('in words, without --json', async () => {
    const { code, stdout, stderr } = await folder.run(...words('hello'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^delivered \(200\) hello to sip:bob@domain\.test: OK, pager mode, 5 bytes in \d+ ms \(.*the core forks the request: .*\)$/,
    );
  });

  it('C-03: refused for good: exit 1', async () => {
    await folder.write('nobody.json', {
      ...psa(core.udp),
      username: 'bob',
      password: 'bob-password',
      identity: BOB,
    });
    // Bob does not trust himself.
    const { code, stdout } = await folder.run(...words('hello', { config: 'nobody.json' }), '--json');
    expect(linesOf({ stdout })).toEqual([{ ...RECEIPT, outcome: 'refused', status: 403 }]);
    expect(code).toBe(1);
  });

  it('C-02, C-04: not now, or nobody there: exit 75', async () => {
    const failed = await folder.run(...words('fail'), '--json');
    expect(linesOf(failed)).toMatchObject([{ status: 500, outcome: 'failed', retryable: true }]);
    expect(failed.code).toBe(75);
    const nobody = await folder.run(...words('hello', { app: 'other.ua' }), '--json');
    expect(linesOf(nobody)).toMatchObject([{ status: 480, outcome: 'failed', retryable: true }]);
    expect(nobody.code).toBe(75);
    const inWords = await folder.run(...words('hello', { app: 'other.ua' }));
    expect(inWords.stdout).toMatch(/^failed \(480\) hello to sip:bob@domain\.test: .*; retryable \(.*\)$/);
  });

  it('a wrong password: exit 1, and stderr says who did not let it in', async () => {
    await folder.write('wrong.json', { ...psa(core.tcp), password: 'wrong' });
    const { code, stdout, stderr } = await folder.run(...words('hello', { config: 'wrong.json' }), '--json');
    expect(linesOf({ stdout })).toMatchObject([{ outcome: 'refused', retryable: false }]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^not registered: \d{3} /);
  });

  it('8.1.2-03: what does not fit a MESSAGE goes by reference: --mode pager', async () => {
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

  it('what does not fit a MESSAGE goes in a session: --mode auto', async () => {
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

  it('8.2.2-06: several files in one session, with a receipt each', async () => {
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

  it('a push that failed in a session is named, so that it can go on', async () => {
    const { code, stderr } = await folder.run(...words('fail', { mode: 'session' }));
    expect(code).toBe(75);
    expect(stderr).toMatch(/^to resume the transfer, repeat the command with --id [0-9a-f]+$/);
  });

  it('where nothing had come over, there is nothing to go on from', async () => {
    const nobody = await folder.run(...words('hello', { mode: 'session', app: 'other.ua' }));
    expect(nobody).toMatchObject({ code: 75, stderr: '' });
  });

  it.each([
    [{ mode: 'pager' }, '--report', /^sip-push: unexpected --report: pager mode has no reports/],
    [{ mode: 'indirect' }, '--report', /indirect mode has no reports; expected --mode session or auto$/],
    [{ via: 'http://127.0.0.1:1', key: 'k' }, '--json', /--config psa\.json is one too many$/],
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

  it('what has no effect is said, and sent all the same', async () => {
    const sent = await folder.run(...words('hello', { mode: 'pager', id: 'a1', key: 'k' }));
    expect(sent).toMatchObject({
      code: 0,
      stderr: [
        '--key has no effect without --via',
        '--id has no effect in pager mode: there is nothing to go on with',
      ].join('\n'),
    });
  });

  it('a session for what is no file: exit 2', async () => {
    expect(await folder.run(...words('/dev/zero', { mode: 'session' }), '--json')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'sip-push: /dev/zero is no file; session mode reads its files more than once',
    });
  });

  it('8.1.2-03: by reference whatever its size: --mode indirect', async () => {
    const { code, stdout } = await folder.run(...words('hello', { mode: 'indirect' }), '--json');
    expect(code).toBe(0);
    expect(linesOf({ stdout })).toMatchObject([{ mode: 'indirect', bytes: 5, outcome: 'delivered' }]);
    const failed = await folder.run(...words('fail', { mode: 'indirect' }), '--json');
    expect([failed.code, failed.stderr]).toEqual([75, '']);
  });

  it('8.1.2-03a: what lies elsewhere: --content-url', async () => {
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

  it('what comes without end is not read to it: exit 1, and the limit is named', async () => {
    // What has no end is not read to it.
    const endless = await folder.run(...words('/dev/zero'), '--json');
    expect(endless).toMatchObject({
      code: 1,
      stderr: 'sip-push: /dev/zero does not fit pager mode: /dev/zero has more than 1300 bytes',
    });
  });

  it.each([
    ['none', 'none does not exist'],
    ['.', '. is a folder'],
  ])('the file %s: exit 2', async (file, problem) => {
    expect(await folder.run(...words(file), '--json')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `sip-push: ${problem}`,
    });
  });

  it('has every key that is documented, and refuses those that are not', async () => {
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

  describe('when there is no answer', () => {
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

    /** In steps of a second, between which sockets have their turn. */
    async function timePassesUntilEnd({ exited }: Running): Promise<void> {
      let over = false;
      void exited.then(() => {
        over = true;
      });
      while (!over) {
        await vi.advanceTimersByTimeAsync(1_000);
        await setImmediate();
      }
    }

    it('a server that says nothing: it says so after 4 s, and gives up with 75 after Timer F', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const asked = once(silent, 'message');
      await using sending = await folder.start(...words('hello', { config: 'silent.json' }), '--json');
      await asked;
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

    it('a server that refuses the connection: it says so at once, once, and gives up with 75', async () => {
      const server = `sip:127.0.0.1:${await freePort()};transport=tcp`;
      await folder.write('refusing.json', psa(server));
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      await using sending = await folder.start(...words('hello', { config: 'refusing.json' }), '--json');
      await sending.line(/^no connection to sip:127\.0\.0\.1:\d+;transport=tcp: .*ECONNREFUSED/);
      await timePassesUntilEnd(sending);
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toEqual([
        { ...RECEIPT, reason: expect.stringMatching(/ECONNREFUSED/), outcome: 'failed', retryable: true },
      ]);
      expect(sending.stderr).toEqual([
        expect.stringMatching(/^no connection to .*ECONNREFUSED/),
        `no connection to ${server} yet; retrying`,
      ]);
    });

    it('a server whose certificate nobody vouches for: 75 at once, and why', async () => {
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

    it('a server that comes up meanwhile is found', async () => {
      const port = await freePort();
      const server = `sip:127.0.0.1:${port};transport=tcp`;
      await folder.write('late.json', psa(server));
      await using sending = await folder.start(...words('hello', { config: 'late.json', to: BOB }), '--json');
      await sending.line(/^no connection to /);
      await using late = await folder.start('network', '--users', 'users.json', '--listen', server);
      await late.line(/^listening/);
      // Nobody is registered there.
      expect(await sending.ended()).toEqual({ code: 75, signal: null });
      expect(linesOf(sending)).toMatchObject([{ status: 480 }]);
    });

    it('over UDP nobody listens: 75, and why', async () => {
      await folder.write('closed.json', psa(`sip:127.0.0.1:${await freePort()};transport=udp`));
      const { code, stdout, stderr } = await folder.run(
        ...words('hello', { config: 'closed.json' }),
        '--json',
      );
      expect(code).toBe(75);
      expect(linesOf({ stdout })).toMatchObject([{ outcome: 'failed', retryable: true }]);
      // A datagram's fate is told at the next one: at a send, or at a receive, or at both.
      expect(stderr).toMatch(/^(no connection to .*ECONNREFUSED[^\n]*\n?){1,2}$/);
    });

    it.each([['SIGINT'], ['SIGTERM']] as const)(
      '%s ends the wait: 75, and what is not known',
      async (signal) => {
        // Accepts, and says nothing.
        const server = createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        const address = server.address();
        if (address === null || typeof address === 'string') throw new Error('no port');
        const config = `${signal}.json`;
        await folder.write(config, {
          ...psa(`sip:127.0.0.1:${address.port};transport=tcp`),
          register: false,
        });
        const asked = new Promise<void>((resolve) => {
          server.once('connection', (socket) => {
            socket.on('error', () => {});
            socket.once('data', () => resolve());
          });
        });
        await using sending = await folder.start(...words('hello', { config }), '--json');
        await asked;
        sending.kill(signal);
        expect(await sending.ended()).toEqual({ code: 75, signal: null });
        expect(sending.stdout).toEqual([]);
        expect(sending.stderr).toEqual([
          'ended before an answer came: whether the push was delivered is not known',
        ]);
        server.close();
      },
    );
  });
});
