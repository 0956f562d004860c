import wml from 'sip-push/apps/wml.ua';
import { cacheOperation, type ServiceIndication, serviceIndication, serviceLoading } from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture, fixtureNames, pushBody } from '../content/fixture.js';
import { AppHost } from './app-host.js';

const SIC = 'application/vnd.wap.sic';
const DAY = 86_400_000;

const mail: ServiceIndication = {
  href: 'http://www.xyz.com/mail',
  id: 'mail@xyz.com',
  action: 'signal-medium',
  text: 'You have 4 new emails',
};

const day = (number: number) => new Date(Date.UTC(2026, 0, number));

describe('wml.ua', () => {
  let host: AppHost;

  beforeEach(async () => {
    host = await AppHost.start(wml);
  });

  afterEach(async () => {
    await host.stop();
  });

  const indicate = (indication: ServiceIndication) =>
    host.push({ type: SIC, body: serviceIndication.toWbxml(indication) });

  const current = async () => (await host.runtime.query('wml.ua', 'current')) as Record<string, unknown>[];
  const texts = async () => (await current()).map(({ text }) => text);

  it('accepts each document as XML and as WBXML', async () => {
    expect(host.runtime.acceptedTypes(['x-wap-application:wml.ua'])).toEqual([
      'text/vnd.wap.si',
      'application/vnd.wap.sic',
      'text/vnd.wap.sl',
      'application/vnd.wap.slc',
      'text/vnd.wap.co',
      'application/vnd.wap.coc',
    ]);
    await host.push({ type: 'text/vnd.wap.si', body: serviceIndication.toXml(mail) });
    await host.push({ type: SIC, body: serviceIndication.toWbxml({ ...mail, text: 'Five' }, 2) });
    await host.push({ type: 'text/vnd.wap.sl', body: '<sl href="http://a.example/"/>' });
    await host.push({ type: 'application/vnd.wap.slc', body: fixture('valid', '3.4-sl') });
    await host.push({
      type: 'text/vnd.wap.co',
      body: '<co><invalidate-object uri="http://a.example/"/></co>',
    });
    await host.push({ type: 'application/vnd.wap.coc', body: fixture('valid', '3.4-co') });
    expect(host.events.map(({ kind }) => kind)).toEqual([
      'service-indication',
      'service-indication',
      'service-loading',
      'service-loading',
      'cache-operation',
      'cache-operation',
    ]);
  });

  it.each([
    ['unknown in the document, which is in that of the media type', 0, 'iso-8859-1', 'é'],
    ['that of the document, whatever the media type says', 4, 'koi8-r', 'é'],
    ['unknown in both: UTF-8', 0, '*', '\ufffd'],
  ])('reads WBXML whose charset is %s', async (_what, own, declared, text) => {
    const body = serviceIndication.toWbxml({ ...mail, text: 'Q' });
    body[2] = own;
    body[body.lastIndexOf(0x51)] = 0xe9;
    await host.push({ type: SIC, parameters: { charset: declared }, body });
    expect(host.events).toMatchObject([{ text }]);
  });

  it('reads XML whose media type has the charset *, which means unknown', async () => {
    const body = Buffer.from(
      '<?xml version="1.0" encoding="iso-8859-1"?><sl href="http://a.example/\xe9"/>',
      'latin1',
    );
    await host.push({ type: 'text/vnd.wap.sl', parameters: { charset: '*' }, body });
    expect(host.events).toMatchObject([{ href: 'http://a.example/é' }]);
  });

  describe('a service indication', () => {
    it('emits an event with its fields', async () => {
      host.now = Date.parse('2024-06-01T00:00:00Z');
      expect(await host.push({ type: SIC, body: fixture('valid', '3.4-si') })).toMatchObject({
        accepted: true,
      });
      expect(host.events).toEqual([
        {
          eventId: expect.any(String),
          app: 'wml.ua',
          kind: 'service-indication',
          id: 'n1@example.com',
          action: 'signal-high',
          href: 'https://example.com/n',
          text: 'New mail',
          created: '2024-01-02T03:04:00.000Z',
          expires: '2024-12-31T00:00:00.000Z',
        },
      ]);
    });

    it('is identified by its href if it has no id', async () => {
      await host.push({ type: SIC, body: pushBody(fixture('valid', '3.5-push-si-operator')) });
      expect(host.events).toEqual([
        {
          eventId: expect.any(String),
          app: 'wml.ua',
          kind: 'service-indication',
          id: 'http://wap.meincallya.de/',
          action: 'signal-high',
          href: 'http://wap.meincallya.de/',
          text: expect.stringMatching(/^Zum kostenlosen Portal/),
        },
      ]);
    });

    it('is stored each time if it has neither id nor href', async () => {
      await host.push({ type: SIC, body: fixture('valid', '3.4-si-minimal') });
      await indicate({ action: 'signal-low', text: 'Hello' });
      host.now += 1000;
      await indicate({ action: 'signal-low', text: 'Hello again' });
      expect(host.events[0]).toEqual({
        id: expect.any(String),
        app: 'wml.ua',
        kind: 'service-indication',
        action: 'signal-medium',
        text: '',
      });
      expect(await texts()).toEqual(['', 'Hello again', 'Hello']);
    });

    it('replaces an older one with the same id', async () => {
      await indicate({ ...mail, created: day(1) });
      await indicate({ ...mail, created: day(2), text: 'You have 5 new emails' });
      expect(host.events).toHaveLength(2);
      expect(await texts()).toEqual(['You have 5 new emails']);
    });

    it.each([
      ['before', day(1)],
      ['at the same time', day(2)],
    ])('is ignored if it was created %s', async (_when, created) => {
      await indicate({ ...mail, created: day(2), text: 'newest' });
      expect(await indicate({ ...mail, created })).toMatchObject({ accepted: true });
      await host.restart();
      expect(await indicate({ ...mail, created })).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(1);
      expect(await texts()).toEqual(['newest']);
      expect(host.logged).toEqual(
        Array(2).fill(
          'service indication mail@xyz.com ignored: an indication that is newer, or of the same time, is stored',
        ),
      );
    });

    it('is new if one of the two has no time of creation', async () => {
      await indicate({ ...mail, text: 'first' });
      host.now += 1000;
      await indicate({ ...mail, created: day(2), text: 'second' });
      host.now += 1000;
      await indicate({ ...mail, text: 'third' });
      expect(host.events).toHaveLength(3);
      expect(await texts()).toEqual(['third', 'second', 'first']);
    });

    it('emits another event, and is listed once, if a service repeats it without a time of creation', async () => {
      await indicate(mail);
      host.now += DAY;
      await indicate(mail);
      expect(host.events).toHaveLength(2);
      expect(await current()).toMatchObject([{ text: mail.text, receivedAt: '2026-01-02T00:00:00.000Z' }]);
    });

    it('does not replace one with another id', async () => {
      await indicate({ ...mail, created: day(2) });
      await indicate({ ...mail, id: 'other@xyz.com', created: day(1) });
      expect(await current()).toHaveLength(2);
    });

    it('is applied in sequence when several arrive at once', async () => {
      await Promise.all(
        [3, 1, 2].map((number) => indicate({ ...mail, created: day(number), text: `${number}` })),
      );
      expect(host.events.map(({ text }) => text)).toEqual(['3']);
      expect(await texts()).toEqual(['3']);
    });
  });

  describe('delete', () => {
    const remove: ServiceIndication = { ...mail, action: 'delete', text: '' };

    it('removes all indications of its id, and no others', async () => {
      await indicate({ ...mail, text: 'one' });
      await indicate({ ...mail, text: 'two' });
      await indicate({ ...mail, id: 'other@xyz.com', text: 'another' });
      expect(await indicate(remove)).toMatchObject({ accepted: true });
      expect(host.events.at(-1)).toMatchObject({ id: 'mail@xyz.com', action: 'delete' });
      expect(await texts()).toEqual(['another']);
      await host.restart();
      expect(await texts()).toEqual(['another']);
    });

    it('emits one event, and none if no indication matches', async () => {
      await indicate(mail);
      await indicate(remove);
      expect(await indicate(remove)).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(2);
    });

    it('without an id is accepted, and has no effect', async () => {
      await indicate({ action: 'signal-low', text: 'without id' });
      expect(await indicate({ action: 'delete', text: '' })).toMatchObject({ accepted: true });
      expect(await texts()).toEqual(['without id']);
      expect(host.logged).toEqual(['service indication without id ignored: no indication matches']);
    });

    it('that is older than the indication has no effect', async () => {
      await indicate({ ...mail, created: day(3) });
      await indicate({ ...remove, created: day(2) });
      expect(await current()).toHaveLength(1);
      await indicate({ ...remove, created: day(3) });
      expect(await current()).toEqual([]);
    });
  });

  describe('expiry', () => {
    it('in the past: the push is accepted without an event', async () => {
      expect(await indicate({ ...mail, expires: day(1) })).toMatchObject({ accepted: true });
      expect(host.events).toEqual([]);
      expect(await current()).toEqual([]);
      expect(host.logged).toEqual([
        'service indication mail@xyz.com ignored: it expired at 2026-01-01T00:00:00.000Z',
      ]);
    });

    it('hides an indication, even after a restart, and the next push removes it', async () => {
      await indicate({ ...mail, id: 'a', text: 'two days', expires: day(3) });
      host.now += 1000;
      await indicate({ ...mail, id: 'b', text: 'three days', expires: day(4) });
      host.now += 1000;
      await indicate({ ...mail, id: 'c', text: 'for ever' });
      host.now = day(3).getTime() - 1000;
      await host.restart();
      expect(await texts()).toEqual(['for ever', 'three days', 'two days']);
      host.now += 1000;
      expect(await texts()).toEqual(['for ever', 'three days']);
      await host.restart();
      expect(await texts()).toEqual(['for ever', 'three days']);
      host.now = day(5).getTime();
      await indicate({ ...mail, id: 'd', text: 'new' });
      expect(await texts()).toEqual(['new', 'for ever']);
      expect(await host.stored('indication/')).toBe(2);
    });
  });

  describe('the query "current"', () => {
    it('lists the most urgent first, newest first within a priority', async () => {
      const actions = ['signal-none', 'signal-low', 'signal-medium', 'signal-high', 'signal-medium'] as const;
      for (const [index, action] of actions.entries()) {
        host.now += 1000;
        await indicate({ ...mail, id: `${index}`, action, info: [{ class: 'From', text: 'Ann' }] });
      }
      expect((await current()).map(({ id, action }) => [id, action])).toEqual([
        ['3', 'signal-high'],
        ['4', 'signal-medium'],
        ['2', 'signal-medium'],
        ['1', 'signal-low'],
        ['0', 'signal-none'],
      ]);
      expect((await current())[0]).toEqual({
        id: '3',
        action: 'signal-high',
        href: 'http://www.xyz.com/mail',
        text: 'You have 4 new emails',
        info: [{ class: 'From', text: 'Ann' }],
        receivedAt: '2026-01-01T00:00:04.000Z',
      });
      const before = await current();
      await host.restart();
      expect(await current()).toEqual(before);
    });

    it('rejects unknown names', async () => {
      await expect(host.runtime.query('wml.ua', 'past')).rejects.toThrow(
        'unknown query "past": expected one of current, resources, resource',
      );
    });
  });

  it('stores the last 500 indications', async () => {
    for (let number = 0; number < 520; number += 1) {
      host.now += 1000;
      await indicate({ ...mail, id: `${number}`, text: `${number}` });
    }
    expect(await host.stored('indication/')).toBe(500);
    await host.restart();
    const ids = (await current()).map(({ id }) => id);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([500, '519', '20']);
  });

  describe('service loading', () => {
    it.each(['execute-low', 'execute-high', 'cache'] as const)('emits an event: %s', async (action) => {
      const body = serviceLoading.toWbxml({ href: 'http://www.example.com/x.wml', action });
      expect(await host.push({ type: 'application/vnd.wap.slc', body })).toMatchObject({ accepted: true });
      expect(host.events).toEqual([
        {
          id: expect.any(String),
          app: 'wml.ua',
          kind: 'service-loading',
          action,
          href: 'http://www.example.com/x.wml',
        },
      ]);
    });

    it('without href is refused', async () => {
      expect(await host.push({ type: 'text/vnd.wap.sl', body: '<sl href=""/>' })).toMatchObject({
        kind: 'type',
        reason: 'invalid sl href "": expected a URI',
      });
    });
  });

  it('emits an event for a cache operation', async () => {
    await host.push({ type: 'application/vnd.wap.coc', body: fixture('valid', '3.4-co') });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'wml.ua',
        kind: 'cache-operation',
        invalidateObjects: ['http://www.example.com/a.wml'],
        invalidateServices: ['https://example.net/news/'],
      },
    ]);
  });

  describe('malformed documents', () => {
    it.each(fixtureNames('broken', '3.3-si'))('%s is refused', async (name) => {
      expect(await host.push({ type: SIC, body: fixture('broken', name) })).toMatchObject({
        accepted: false,
        kind: 'type',
        reason: expect.stringMatching(/expected/),
      });
      expect(host.events).toEqual([]);
    });

    it.each([
      ['application/vnd.wap.sic', fixture('valid', '3.4-si')],
      ['application/vnd.wap.slc', fixture('valid', '3.4-sl')],
      ['application/vnd.wap.coc', fixture('valid', '3.4-co')],
      ['text/vnd.wap.si', serviceIndication.toXml(mail)],
      ['text/vnd.wap.sl', serviceLoading.toXml({ href: 'http://a.example/', action: 'cache' })],
      [
        'text/vnd.wap.co',
        cacheOperation.toXml({ invalidations: [{ what: 'object', uri: 'http://a.example/' }] }),
      ],
    ])('%s truncated at any octet is refused permanently', async (type, whole) => {
      // The line feed at the end of an XML document is not part of it.
      const end = whole.at(-1) === 0x0a ? whole.length - 1 : whole.length;
      for (let length = 0; length < end; length += 1) {
        expect(await host.push({ type, body: whole.subarray(0, length) })).toMatchObject({ kind: 'type' });
      }
      expect(host.events).toEqual([]);
    });

    it('XML with an internal subset of the document type is refused', async () => {
      const body = '<!DOCTYPE si [<!ENTITY a "b">]><si><indication href="x">&a;</indication></si>';
      expect(await host.push({ type: 'text/vnd.wap.si', body })).toMatchObject({ kind: 'type' });
    });

    it('a document that expands too much is refused', async () => {
      const text = 'x'.repeat(20_000);
      expect(await indicate({ ...mail, text })).toMatchObject({
        kind: 'size',
        reason: expect.stringMatching(
          /^the service-indication has 20\d+ characters: expected at most 16384$/,
        ),
      });
      expect(await host.push({ type: SIC, body: new Uint8Array(65_537) })).toMatchObject({ kind: 'size' });
    });
  });

  describe('the description', () => {
    it('contains the fields of an indication', async () => {
      const body = serviceIndication.toWbxml({
        ...mail,
        action: 'signal-high',
        created: day(1),
        expires: day(31),
        info: [{ class: 'From', text: 'Ann' }],
      });
      expect(await host.described({ type: SIC, body })).toEqual({
        title: 'Service indication',
        text: 'You have 4 new emails',
        fields: {
          From: 'Ann',
          priority: 'high',
          service: 'http://www.xyz.com/mail',
          id: 'mail@xyz.com',
          created: '2026-01-01 00:00 UTC',
          expires: '2026-01-31 00:00 UTC',
        },
      });
      expect(await host.described({ type: SIC, body: fixture('valid', '3.4-si-minimal') })).toEqual({
        title: 'Service indication',
        text: 'No text',
        fields: { priority: 'medium' },
      });
    });

    it('names the deleted indication', async () => {
      const body = serviceIndication.toWbxml({ ...mail, action: 'delete' });
      expect(await host.described({ type: SIC, body })).toMatchObject({
        title: 'A service deletes an indication',
        text: 'mail@xyz.com',
      });
    });

    it.each([
      ['execute-low', 'in the background'],
      ['execute-high', 'at once'],
      ['cache', 'into the cache'],
    ] as const)('describes the action %s', async (action, when) => {
      const body = serviceLoading.toWbxml({ href: 'http://a.example/', action });
      expect(await host.described({ type: 'application/vnd.wap.slc', body })).toEqual({
        title: 'Service loading',
        text: 'http://a.example/',
        fields: { when },
      });
    });

    it('lists the invalidated resources', async () => {
      expect(
        await host.described({ type: 'application/vnd.wap.coc', body: fixture('valid', '3.4-co') }),
      ).toEqual({
        title: 'Cached resources are invalid',
        text: 'http://www.example.com/a.wml, everything below https://example.net/news/',
      });
    });

    it('contains no control characters', async () => {
      const body = serviceIndication.toXml({ ...mail, text: 'Hello \u0085\u202edlrow' });
      expect((await host.described({ type: 'text/vnd.wap.si', body }))?.text).toBe('Hello   dlrow');
    });
  });
});
