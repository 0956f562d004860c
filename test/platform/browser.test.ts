/** The platform for browsers in Chromium: it fulfils the same interface as the platform for Node.js. */

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { platform as node } from '#platform';
import type { Channel, Listener } from '../../core/platform/sockets.js';
import { makeCertificates } from '../support/certificates.js';
import { servePage } from '../support/pages/browser-page.js';
import { Chromium } from '../support/pages/chromium.js';
import type { TestHttpServer } from '../support/pages/http-server.js';
import { describePeer } from '../support/programs/peers.js';
import { eventually } from '../support/wait.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
/** Runs an expression in the page. Text and numbers are inserted as JSON. */
const script = (strings: TemplateStringsArray, ...values: unknown[]) =>
  `(async () => { const { platform, text, stream, octets, streamed, collect, errorOf } = page;
    ${strings.map((part, index) => part + (index < values.length ? JSON.stringify(values[index]) : '')).join('')} })()`;

describePeer('chromium', 'the platform of a browser', () => {
  let server: TestHttpServer;
  let browser: Chromium;
  const run = <T>(strings: TemplateStringsArray, ...values: unknown[]) =>
    browser.evaluate<T>(script(strings, ...values));
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    server = await servePage('test/platform/browser-page.ts', (request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/' }).end();
      else if (request.url === '/silent') return;
      else if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 10 }).write('12345', () => response.destroy());
      else {
        const { method, headers } = request;
        response
          .writeHead(203, { 'x-answer': `${method} ${headers['x-asked']}`, 'x-cookie': `${headers.cookie}` })
          .end('content');
      }
    });
    browser = await Chromium.open(server.url());
    await browser.until('globalThis.page !== undefined');
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    expect(browser?.problems.filter((each) => /exceptionThrown/.test(each))).toEqual([]);
    await browser?.close();
    await server?.close();
  });

  it('computes the same hashes as on Node.js, as a whole and in pieces', async () => {
    for (const algorithm of ['md5', 'sha-1', 'sha-256', 'sha-512-256'] as const) {
      const digests = await run<string[]>`
        const algorithm = ${algorithm}, hasher = platform.hasher(algorithm);
        for (const piece of ['a', 'b'.repeat(1000), '€']) hasher.update(octets(piece));
        return [platform.hash(algorithm, 'a' + 'b'.repeat(1000) + '€'), hasher.digest()]`;
      const name = algorithm === 'md5' ? algorithm : algorithm.replace('sha-', 'sha');
      const expected = createHash(name)
        .update(`a${'b'.repeat(1000)}€`)
        .digest('hex');
      expect(digests, algorithm).toEqual([expected, expected]);
    }
  });

  it('generates the requested number of random octets', async () => {
    const lengths = await run<
      number[]
    >`return [0, 16, 100_000].map((bytes) => platform.randomHex(bytes).length)`;
    expect(lengths).toEqual([0, 32, 200_000]);
    const different = await run<number>`
      return new Set(Array.from({ length: 1000 }, () => platform.randomHex(16))).size`;
    expect(different).toBe(1000);
  });

  it('finds a byte sequence', async () => {
    expect(
      await run`
        const at = (pattern, from) => platform.indexOf(octets('xxabcabcab').subarray(2), octets(pattern), from);
        return [at('abc'), at('abc', 1), at('abc', 4), at('abc', 100), at('abcabcabc'), at('bcab', 2)]`,
    ).toEqual([0, 3, -1, -1, -1, 4]);
  });

  it('calculates the same certificate fingerprint as on Node.js', async () => {
    const certificates = await makeCertificates();
    closing.push(() => certificates.remove());
    expect(await run`return platform.certificateFingerprint(${certificates.cert})`).toBe(
      node.certificateFingerprint(certificates.cert),
    );
    expect(
      await run`return errorOf((async () => platform.certificateFingerprint(${certificates.key}))())`,
    ).toBe('ConfigurationError: tls: invalid certificate, expected PEM');
  });

  it('compresses and decompresses, reports broken data, and reads little ahead', async () => {
    expect(
      await run`
        const line = 'a line that comes again, '.repeat(10_000), results = [];
        for (const format of ['gzip', 'deflate', 'deflate-raw']) {
          const back = await text(platform.decompress(platform.compress(stream(octets(line)), format), format));
          results.push(back === line);
        }
        const whole = new Uint8Array(await new Response(platform.compress(stream(octets(line)), 'gzip')).arrayBuffer());
        results.push(/^TypeError/.test(await errorOf(text(platform.decompress(stream(whole.subarray(0, 50)), 'gzip')))));
        results.push(/^TypeError/.test(await errorOf(text(platform.decompress(stream(octets('none')), 'gzip')))));
        const broken = new ReadableStream({ pull: (to) => to.error(new Error('the disk failed')) });
        results.push(await errorOf(text(platform.compress(broken, 'gzip'))));
        return results`,
    ).toEqual([true, true, true, true, true, 'Error: the disk failed']);
    expect(
      await run`
        const random = crypto.getRandomValues(new Uint8Array(32 * 1024));
        const { seen, stream: endless } = streamed(random);
        const reader = platform.compress(endless, "gzip").getReader();
        for (let chunks = 0; chunks < 10; chunks++) await reader.read();
        await reader.cancel();
        return { little: seen.pulled < 20, cancelled: seen.cancelled }`,
    ).toEqual({ little: true, cancelled: true });
  });

  it('rejects unsupported operations with an error that names the alternative', async () => {
    expect(
      await run`
        const at = { host: '127.0.0.1', port: 5060 };
        return Promise.all([
          platform.connect('tcp', at), platform.connect('tls', at), platform.listen('ws', at, {}, () => {}),
          platform.openDatagram({ remote: at }), platform.listenHttp(at, {}, () => ({ status: 200 })),
          platform.openFile('a/b'), platform.connect('wss', at, { tls: { ca: 'PEM', serverName: 'other' } }),
        ].map(errorOf))`,
    ).toEqual([
      'ConfigurationError: no tcp connection to 127.0.0.1:5060: a browser connects by WebSocket only (transport=ws or wss)',
      'ConfigurationError: no tls connection to 127.0.0.1:5060: a browser connects by WebSocket only (transport=ws or wss)',
      'ConfigurationError: a browser cannot listen for connections: it connects to a server, or to a relay',
      'ConfigurationError: a browser has no UDP: use a server with transport=ws or transport=wss',
      'ConfigurationError: a browser cannot serve content: publish it on a server, and push its URL',
      'ConfigurationError: a browser cannot open a file by its path (a/b): use the bytes of a file that the user selected',
      'ConfigurationError: tls: "ca", "serverName" cannot be used in a browser, which has its own authorities; remove it',
    ]);
  });

  /** A listener of Node.js that exchanges messages with the channel of the browser. */
  const listening = async (onChannel: (channel: Channel) => void): Promise<Listener> => {
    const listener = await node.listen(
      'ws',
      LOCAL,
      { subprotocol: 'msrp', maxMessage: 1_000_000 },
      onChannel,
    );
    closing.push(() => listener.close());
    return listener;
  };

  it('connects by WebSocket: transfers text and octets in both directions, each message whole, and closes cleanly', async () => {
    const came: Buffer[] = [];
    const { address } = await listening((channel) => {
      channel.ondata = (bytes) => {
        came.push(Buffer.from(bytes));
        channel.send(bytes);
        if (came.length === 2) channel.close();
      };
      channel.send(Buffer.from('at once'));
    });
    const got = await run<object>`
      const channel = await platform.connect('ws', ${address}, { subprotocol: 'msrp' });
      const got = collect(channel);
      channel.send(octets('two '), octets('parts €'));
      channel.send(new Uint8Array([0xff, 0x00]));
      await new Promise((end) => { const { onclose } = channel; channel.onclose = (error) => { onclose(error); end(); } });
      const after = await errorOf((async () => channel.send(octets('late')))());
      return { ...got, after, framed: channel.framed, host: channel.local.host, remote: channel.remote }`;
    expect(came.map((bytes) => bytes.toString('latin1'))).toEqual([
      Buffer.from('two parts €').toString('latin1'),
      'ÿ\0',
    ]);
    expect(got).toMatchObject({
      messages: ['at once', 'two parts €', '\ufffd\0'],
      sizes: [7, 13, 2],
      closed: true,
      error: '',
      after: expect.stringMatching(/^TransportError: the WebSocket to .* is closed$/),
      framed: true,
      host: expect.stringMatching(/^[0-9a-f]{12}\.invalid$/),
      remote: address,
    });
  });

  it('buffers received messages while its owner does not read, up to a limit', async () => {
    const peers: Channel[] = [];
    const { address } = await listening((channel) => {
      channel.onclose = () => {};
      peers.push(channel);
    });
    await run`
      const channel = await platform.connect('ws', ${address}, { subprotocol: 'msrp' });
      globalThis.held = { channel, got: collect(channel) };
      channel.pause();`;
    const peer = await eventually('the connection', () => peers[0]);
    for (const word of ['one', 'two', 'three']) peer.send(Buffer.from(word));
    // The response to a request shows that the messages have arrived.
    await run`return text((await platform.request({ method: 'GET', url: new URL('/', location.href), signal: AbortSignal.timeout(100_000) })).body)`;
    expect(await run`return held.got.messages`).toEqual([]);
    expect(await run`held.channel.resume(); return held.got.messages`).toEqual(['one', 'two', 'three']);
    await run`held.channel.pause()`;
    const mebibyte = Buffer.alloc(900_000);
    for (let count = 0; count < 20; count++) peer.send(mebibyte);
    await browser.until('held.got.closed');
    expect(await run`return held.got`).toMatchObject({
      sizes: [3, 3, 5],
      error: 'messages of more than 16777216 bytes arrived while the channel was paused',
    });
    await run`
      const channel = await platform.connect('ws', ${address}, { subprotocol: 'msrp' });
      globalThis.held = { channel, got: collect(channel) };
      channel.pause();`;
    const flood = await eventually('another connection', () => peers[1]);
    for (let count = 0; count < 20_000; count++) flood.send(Buffer.alloc(0));
    await browser.until('held.got.closed');
  });

  it('closes a connection after a message that is too large', async () => {
    const { address } = await listening((channel) => channel.send(Buffer.alloc(1001)));
    await run`
      globalThis.large = collect(await platform.connect('ws', ${address}, { subprotocol: 'msrp', maxMessage: 1000 }))`;
    await browser.until('large.closed');
    expect(await run`return large`).toMatchObject({
      sizes: [],
      error: 'a WebSocket message exceeds 1000 bytes',
    });
  });

  it('reports the buffered bytes, and when it can send more', async () => {
    let bytes = 0;
    const { address } = await listening((channel) => {
      channel.ondata = (chunk) => {
        bytes += chunk.length;
      };
    });
    const sent = await run<{ waited: boolean; left: number }>`
      const channel = await platform.connect('ws', ${address}, { subprotocol: 'msrp' });
      const drained = new Promise((resolve) => { channel.ondrain = resolve; });
      for (let count = 0; count < 20; count++) channel.send(new Uint8Array(500_000).fill(255));
      const waited = channel.buffered > 0;
      await drained;
      const left = channel.buffered;
      channel.close();
      return { waited, left }`;
    expect(sent.waited).toBe(true);
    expect(sent.left).toBeLessThanOrEqual(65_536);
    await eventually('all bytes', () => (bytes === 10_000_000 ? true : undefined));
  });

  it('reports a refused connection, and an abort', async () => {
    expect(await run`return errorOf(platform.connect('ws', { host: '127.0.0.1', port: 9 }))`).toBe(
      'TransportError: connection to ws://127.0.0.1:9/ failed: see the console of the browser for the reason',
    );
    const { port } = server;
    expect(
      await run`
        const ending = new AbortController();
        const waiting = errorOf(platform.connect('ws', { host: '127.0.0.1', port: ${port} }, { path: '/silent', signal: ending.signal }));
        ending.abort(new Error('cancelled'));
        return waiting`,
    ).toBe(`TransportError: connection to ws://127.0.0.1:${port}/silent failed: cancelled`);
  });

  it('sends HTTP requests without the cookies of the user, and does not support redirects and addresses', async () => {
    const result = await run<object>`
      document.cookie = 'person=yes';
      const signal = AbortSignal.timeout(100_000);
      const ask = (path, more = {}) =>
        platform.request({ method: 'GET', url: new URL(path, location.href), signal, ...more });
      const { status, headers, body } = await ask('/a', { headers: { 'X-Asked': 'yes', 'accept-encoding': 'identity' } });
      const ending = new AbortController();
      const ended = errorOf(ask('/silent', { signal: ending.signal }));
      ending.abort(new Error('cancelled'));
      return {
        status, headers, body: await text(body),
        redirect: (await ask('/redirect')).status,
        cut: await errorOf(ask('/cut').then(({ body }) => text(body))),
        ended: await ended,
        refused: await errorOf(ask('http://127.0.0.1:9/')),
        address: await errorOf(ask('http://name.test/', { addresses: ['127.0.0.1'] })),
        own: (await ask('/a', { addresses: ['127.0.0.1'] })).status,
        ca: await errorOf(ask('/a', { ca: 'PEM' })),
        resolved: await platform.resolve('localhost') === undefined,
      }`;
    const host = `127.0.0.1:${server.port}`;
    expect(result).toMatchObject({
      status: 203,
      headers: { 'x-answer': 'GET yes', 'x-cookie': 'undefined' },
      body: 'content',
      redirect: 0,
      cut: expect.stringContaining(`TransportError: HTTP with ${host} failed: `),
      ended: 'Error: cancelled',
      refused: expect.stringContaining('TransportError: HTTP with 127.0.0.1:9 failed: '),
      address: 'ConfigurationError: a browser cannot connect to a chosen address of name.test',
      own: 203,
      ca: 'ConfigurationError: tls: "ca" cannot be used in a browser, which has its own authorities; remove it',
      resolved: true,
    });
  });

  it('has a store: strict durability with sync, one page at a time, and atomic batches', async () => {
    expect(
      await run`
        const asked = [], transaction = IDBDatabase.prototype.transaction;
        IDBDatabase.prototype.transaction = function (stores, mode, options) {
          if (mode === 'readwrite') asked.push(options?.durability);
          return transaction.call(this, stores, mode, options);
        };
        const store = await platform.openStore('a store');
        await store.batch([{ type: 'put', key: 'k', value: 'v' }, { type: 'put', key: 'gone', value: 'v' }], { sync: true });
        await store.batch([{ type: 'del', key: 'gone' }]);
        IDBDatabase.prototype.transaction = transaction;
        const second = await errorOf(platform.openStore('a store'));
        await store.close();
        const reopened = await platform.openStore('a store');
        const found = [await reopened.get('k'), await reopened.get('gone') === undefined];
        const inner = reopened.sublevel('inner', { valueEncoding: 'view' });
        await reopened.batch([{ type: 'put', sublevel: inner, key: 'a', value: octets('bytes') }], { sync: true });
        const bytes = new TextDecoder().decode(await inner.get('a'));
        const keys = await reopened.keys({ gte: 'k' }).all();
        await reopened.close();
        const [one, other] = [await platform.openStore(), await platform.openStore()];
        await one.batch([{ type: 'put', key: 'k', value: 'v' }]);
        return { asked, second, found, bytes, keys, memory: [await one.get('k'), await other.get('k') === undefined] }`,
    ).toEqual({
      asked: ['strict', 'relaxed'],
      second: 'ConfigurationError: the store in a store is open in another page; give each host a folder',
      found: ['v', true],
      bytes: 'bytes',
      keys: ['k'],
      memory: ['v', true],
    });
  });

  it('has files: unfinished ones are not visible, and are removed at the next start', async () => {
    expect(
      await run`
        const folder = await platform.openFolder('data/files');
        const large = crypto.getRandomValues(new Uint8Array(60_000));
        const whole = await folder.create('whole'), unfinished = await folder.create('unfinished');
        for (let count = 0; count < 20; count++) await whole.append(large);
        const before = await folder.list();
        await whole.keep();
        await unfinished.append(octets('half'));
        const discarded = await folder.create('discarded');
        await discarded.append(octets('none'));
        await discarded.discard();
        await folder.close();
        const reopened = await platform.openFolder('data/files');
        const file = await reopened.open('whole');
        const bytes = new Uint8Array(await new Response(file.open()).arrayBuffer());
        const part = new Uint8Array(await new Response(file.open({ start: 299_990, end: 300_009 })).arrayBuffer());
        const result = {
          before, list: await reopened.list(),
          same: bytes.length === 1_200_000 && bytes.every((byte, at) => byte === large[at % 60_000]),
          part: part.length === 20 && part.every((byte, at) => byte === large[(299_990 + at) % 60_000]),
          empty: await text(file.open({ start: 5, end: 4 })),
          missing: await errorOf(reopened.open('unfinished')),
          outside: await errorOf(reopened.create('../outside')),
          twice: await errorOf(reopened.create('whole')),
          path: reopened.path('whole'),
        };
        await reopened.remove('whole');
        await reopened.remove('whole');
        const left = await reopened.list();
        const gone = await errorOf(text(file.open()));
        await reopened.close();
        return { ...result, left, gone }`,
    ).toEqual({
      before: [],
      list: [{ name: 'whole', size: 1_200_000 }],
      same: true,
      part: true,
      empty: '',
      missing: 'ConfigurationError: data/files/unfinished does not exist',
      outside: 'SipPushError: invalid file name "../outside": expected letters and digits',
      twice: 'SipPushError: cannot create the file whole: it exists already',
      path: 'data/files/whole',
      left: [],
      gone: 'SipPushError: the file whole was removed',
    });
  });

  it('has files that are written in any order, and read at the same time, like a buffer', async () => {
    expect(
      await run`
        const folder = await platform.openFolder('data/transfers'), SIZE = 2_000_000;
        const file = await folder.edit('grows'), buffer = new Uint8Array(SIZE);
        let size = 0, seed = 7, wrong = 0;
        const random = (most) => (seed = (seed * 1103515245 + 12345) % 2147483648) % most;
        const check = (bytes, at) => { if (!bytes.every((byte, index) => byte === buffer[at + index])) wrong++; };
        for (let round = 0; round < 60; round++) {
          const at = random(SIZE - 150_000), chunk = crypto.getRandomValues(new Uint8Array(1 + random(65_000)));
          await file.write([chunk, new Uint8Array(), chunk], at);
          buffer.set(chunk, at); buffer.set(chunk, at + chunk.length);
          size = Math.max(size, at + 2 * chunk.length);
          if (round % 10 === 5) await file.sync();
          if (round === 40) {
            size = Math.min(size, 700_001);
            await file.truncate(size);
            buffer.fill(0, size);
          }
          const from = random(SIZE), bytes = await file.read(from, 100_000);
          if (bytes.length !== Math.max(0, Math.min(100_000, size - from))) wrong++;
          check(bytes, from);
        }
        const stored = await folder.open('grows');
        check(new Uint8Array(await new Response(stored.open()).arrayBuffer()), 0);
        await file.close();
        const closed = await errorOf(file.read(0, 1));
        await folder.close();
        const reopened = await (await platform.openFolder('data/transfers')).edit('grows');
        check(await reopened.read(0, SIZE), 0);
        return { wrong, closed, sizes: stored.size === size && reopened.size === size }`,
    ).toEqual({ wrong: 0, closed: 'SipPushError: cannot use the file grows: it is closed', sizes: true });
  });

  it('has a spool in its storage, emptied at the start, and one in memory with a limit', async () => {
    expect(
      await run`
        const spool = await platform.openSpool('data/spool');
        const file = spool.create();
        await file.append(octets('first '));
        const meanwhile = await text(file.open());
        await file.append(octets('second'));
        const whole = await text(file.open()), part = await text(file.open({ start: 6, end: 9 }));
        await file.clear();
        await file.append(octets('new content'));
        const replaced = await text(file.open()), size = file.size;
        await file.remove();
        const gone = await errorOf(text(file.open()));
        await spool.close();
        const memory = await platform.openSpool(), large = memory.create(), piece = new Uint8Array(1024 * 1024);
        const full = await errorOf((async () => { for (let count = 0; count < 80; count++) await large.append(piece); })());
        const some = large.size >= 60 * piece.length;
        await large.remove();
        const next = memory.create();
        await next.append(octets('space again'));
        return { meanwhile, whole, part, replaced, size, gone, full, some, space: await text(next.open()) }`,
    ).toEqual({
      meanwhile: 'first ',
      whole: 'first second',
      part: 'seco',
      replaced: 'new content',
      size: 11,
      gone: 'SipPushError: cannot use the file 1: it is closed',
      full: 'LimitError: files in memory exceed 64 MiB: set "data" to use the browser\'s storage',
      some: true,
      space: 'space again',
    });
  });
});
