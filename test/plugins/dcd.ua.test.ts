import dcd from 'sip-push/apps/dcd.ua';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppHost, type PushedContent } from './app-host.js';

const TYPE = 'application/vnd.oma.dcd';
const NEWS = 'http://news.example/';
const DAY = 86_400_000;

const headlines: PushedContent & { headers: Record<string, string> } = {
  type: TYPE,
  body: Uint8Array.of(1, 2, 3, 250),
  headers: { 'x-wap-initiator-uri': NEWS, 'content-id': '<headlines@news.example>' },
};

describe('dcd.ua', () => {
  let host: AppHost;

  beforeEach(async () => {
    host = await AppHost.start(dcd);
  });

  afterEach(async () => {
    await host.stop();
  });

  const list = async (channel?: string) =>
    (await host.runtime.query('dcd.ua', 'list', { channel })) as Record<string, unknown>[];
  const ids = async (channel?: string) => (await list(channel)).map(({ contentId }) => contentId);
  const content = (key: unknown) => host.runtime.query('dcd.ua', 'content', { key });
  const named = (contentId: string, channel = NEWS): PushedContent => ({
    ...headlines,
    headers: { 'x-wap-initiator-uri': channel, 'content-id': contentId },
  });

  it('accepts only the two encodings of the container', () => {
    expect(host.runtime.acceptedTypes(['x-wap-application:dcd.ua'])).toEqual([
      'application/vnd.oma.dcd',
      'application/vnd.oma.dcdc',
    ]);
    expect(host.runtime.resolve(['dcd.ua'], 'text/html')).toBe('type');
  });

  it('emits an event for content, and stores it unchanged', async () => {
    expect(await host.push(headlines)).toMatchObject({ accepted: true });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'dcd.ua',
        kind: 'content',
        channel: NEWS,
        contentId: 'headlines@news.example',
        contentType: TYPE,
        size: 4,
      },
    ]);
    const [item] = await list();
    expect(item).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      channel: NEWS,
      contentId: 'headlines@news.example',
      contentType: TYPE,
      size: 4,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      receivedAt: '2026-01-01T00:00:00.000Z',
      expires: '2026-01-08T00:00:00.000Z',
    });
    await host.restart();
    expect(await list()).toEqual([item]);
    expect(await content(item?.key)).toBe('AQID+g==');
  });

  it('omits unknown fields from the event', async () => {
    await host.push({ type: 'application/vnd.oma.dcdc', body: 'anything' });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'dcd.ua',
        kind: 'content',
        contentType: 'application/vnd.oma.dcdc',
        size: 8,
      },
    ]);
  });

  it.each([
    ['content-id', '<a@b>', 'a@b'],
    ['x-wap-content-uri', 'http://news.example/1', 'http://news.example/1'],
    ['content-location', 'http://news.example/2', 'http://news.example/2'],
  ])('uses %s: %s as the id of content', async (header, value, contentId) => {
    await host.push({ ...headlines, headers: { 'content-location': 'else', [header]: value } });
    expect(host.events).toMatchObject([{ contentId }]);
  });

  describe('repeated content', () => {
    it('is accepted without an event, even after a restart', async () => {
      await host.push(headlines);
      expect(await host.push(headlines)).toMatchObject({ accepted: true });
      await host.restart();
      expect(await host.push(headlines)).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(1);
      const line = 'content headlines@news.example ignored: it is a duplicate';
      expect(host.logged).toEqual([line, line]);
    });

    it('is logged without control characters', async () => {
      await host.push(named('\u001b[2Jid'));
      await host.push(named('\u001b[2Jid'));
      expect(host.logged).toEqual(['content  [2Jid ignored: it is a duplicate']);
    });

    it('emits one event when two copies arrive at once', async () => {
      await Promise.all([host.push(headlines), host.push(headlines)]);
      expect(host.events).toHaveLength(1);
    });

    it('is recognized by its octets if it has no id', async () => {
      await host.push({ type: TYPE, body: 'one' });
      await host.push({ type: TYPE, body: 'one' });
      await host.push({ type: TYPE, body: 'two' });
      expect(host.events).toHaveLength(2);
    });

    it('replaces the stored content if its octets differ', async () => {
      await host.push(headlines);
      await host.push({ ...headlines, body: Uint8Array.of(9) });
      expect(host.events.map(({ size }) => size)).toEqual([4, 1]);
      expect(await list()).toMatchObject([{ size: 1 }]);
      expect(await content((await list())[0]?.key)).toBe('CQ==');
      expect(await host.stored('octets/')).toBe(1);
    });

    it('is different content in another channel', async () => {
      await host.push(headlines);
      await host.push(named('headlines@news.example', 'http://sports.example/'));
      expect(host.events).toHaveLength(2);
      expect(await ids(NEWS)).toEqual(['headlines@news.example']);
      expect(await list()).toHaveLength(2);
      expect(await list('http://weather.example/')).toEqual([]);
    });
  });

  describe('expiry', () => {
    it('hides stored content, even after a restart, and the next push removes it', async () => {
      await host.push(named('first'));
      host.now += DAY;
      await host.push(named('second'));
      host.now += 6 * DAY;
      const [second] = await list();
      expect(await ids()).toEqual(['second']);
      await host.restart();
      expect(await ids()).toEqual(['second']);
      host.now += DAY;
      expect(await list()).toEqual([]);
      expect(await content(second?.key)).toBeNull();
      await host.push(named('third'));
      expect(await host.stored('item/')).toBe(1);
      expect(await host.stored('octets/')).toBe(1);
    });

    it('follows the option keep', async () => {
      host.options = { keep: 60 };
      await host.restart();
      await host.push(headlines);
      host.now += 59_000;
      expect(await list()).toHaveLength(1);
      host.now += 1_000;
      expect(await list()).toEqual([]);
    });

    it('allows an event for the same content again', async () => {
      await host.push(headlines);
      host.now += 8 * DAY;
      await host.push(headlines);
      expect(host.events).toHaveLength(2);
    });
  });

  it.each([
    [{ keep: 0 }, 'options.keep: expected seconds, a whole number from 1 to 31536000'],
    [{ keep: 31_536_001 }, 'options.keep: expected seconds, a whole number from 1 to 31536000'],
    [{ keep: '60' }, 'options.keep: expected seconds, a whole number from 1 to 31536000'],
    [{ kep: 60 }, 'options: expected an object with keep'],
    ['60', 'options: expected an object with keep'],
  ])('does not start with options %j', async (options, message) => {
    host.options = options;
    await expect(host.restart()).rejects.toThrow(`dcd.ua: ${message}`);
  });

  describe('the limits', () => {
    it('are 100 items of a channel, independent of other channels', async () => {
      await host.push(named('other', 'http://sports.example/'));
      for (let number = 0; number < 105; number += 1) {
        host.now += 1000;
        await host.push(named(`${number}`));
      }
      const kept = await ids(NEWS);
      expect([kept.length, kept[0], kept.at(-1)]).toEqual([100, '104', '5']);
      expect(await ids('http://sports.example/')).toEqual(['other']);
    });

    it('are 400 items in total', async () => {
      for (let number = 0; number < 410; number += 1) {
        host.now += 1000;
        await host.push(named(`${number}`, `http://channel-${number % 10}.example/`));
      }
      expect(await host.stored('item/')).toBe(400);
      expect(await host.stored('octets/')).toBe(400);
      expect((await ids()).at(-1)).toBe('10');
    });

    it('are 64 MiB in total', async () => {
      const body = new Uint8Array(1_048_576).fill(7);
      for (let number = 0; number < 66; number += 1) {
        host.now += 1000;
        await host.push({ ...named(`${number}`), body });
      }
      expect(await host.stored('octets/')).toBe(64);
      expect((await ids()).at(-1)).toBe('2');
    });
  });

  it('refuses content that is empty or too large, and long names', async () => {
    expect(await host.push({ type: TYPE, body: '' })).toMatchObject({
      kind: 'type',
      reason: 'empty content: expected a DCD container',
    });
    expect(await host.push({ type: TYPE, body: new Uint8Array(1_048_577) })).toMatchObject({ kind: 'size' });
    expect(await host.push(named('x'.repeat(2049)))).toMatchObject({
      kind: 'size',
      reason: 'content-id has 2049 characters: expected at most 2048',
    });
    expect(host.events).toEqual([]);
  });

  it('answers its two queries', async () => {
    await expect(host.runtime.query('dcd.ua', 'items')).rejects.toThrow(
      'unknown query "items": expected one of list, content',
    );
    await expect(host.runtime.query('dcd.ua', 'content')).rejects.toThrow(
      'invalid arguments of query "content": key: expected the key of an item of the list',
    );
    expect(await content('nothing')).toBeNull();
  });

  describe('the description', () => {
    it('names the source of the content', async () => {
      expect(await host.described(headlines)).toEqual({
        title: 'Content of http://news.example/',
        text: '4 bytes, a DCD container; only an application for DCD can read it',
        fields: {
          channel: 'http://news.example/',
          content: 'headlines@news.example',
          from: 'sip:psa@domain.test',
        },
      });
    });

    it('names unknown fields', async () => {
      expect(await host.described({ type: 'application/vnd.oma.dcdc', body: 'x' })).toMatchObject({
        title: 'Content of a channel',
        text: expect.stringContaining('a packed DCD container'),
        fields: {
          channel: 'unknown: the push has no initiator URI',
          content: 'unknown: the push has no content id',
        },
      });
    });

    it('contains no control characters', async () => {
      const description = await host.described(named('\u001b[2Jid', 'ch\u202eannel'));
      expect(description).toMatchObject({
        title: 'Content of ch annel',
        fields: { content: ' [2Jid' },
      });
    });
  });
});
