/** otaprov.ua on a device in memory, with connections.ua. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import connections from 'sip-push-app-connections';
import provisioning from '../dist/index.js';

const XML = 'text/vnd.wap.connectivity-xml';
const WBXML = 'application/vnd.wap.connectivity-wbxml';
const IMSI = '262011234567890';
/** The IMSI as in the specification of the SIM: 9 for an odd number of digits, two digits in each octet. */
const IMSI_KEY = Buffer.from('2926102143658709', 'hex');
const sample = (name) =>
  readFile(new URL(`../samples/${name}`, import.meta.url)).then((octets) => new Uint8Array(octets));
const macOf = (key, octets) => createHmac('sha1', key).update(octets).digest('hex').toUpperCase();
const signed = (sec, key, octets, type = WBXML) => `${type};SEC=${sec};MAC=${macOf(key, octets)}`;

/** A device with both applications. */
async function device(t, options = { imsi: IMSI }) {
  // The provider loads first, wherever it is in the list.
  const host = await startTestHost({ apps: [{ definition: provisioning, options }, connections] });
  t.after(() => host.stop());
  const push = (body, type, mode = 'pager') => host.push({ app: 'otaprov.ua', type, body, mode });
  const emitted = (kind) => host.emitted('otaprov.ua', kind);
  const query = (name, args) => host.query('otaprov.ua', name, args);
  return { host, push, emitted, query };
}

const minimal = (characteristic) =>
  new TextEncoder().encode(`<wap-provisioningdoc>${characteristic}</wap-provisioningdoc>`);

for (const [name, type] of [
  ['operator.xml', XML],
  ['operator.wbxml', WBXML],
]) {
  test(`applies the settings of ${name}, and passes connections to the connection manager`, async (t) => {
    const { host, push, emitted, query } = await device(t);
    const octets = await sample(name);
    const { outcome, reason } = await push(octets, signed(0, IMSI_KEY, octets, type), 'session');
    assert.equal(outcome, 'delivered', reason);
    const [{ from, accessPoints, proxies, bookmarks, accounts }] = emitted('provisioned');
    assert.deepEqual(
      { from, accessPoints, proxies, bookmarks, accounts },
      {
        from: 'sip:sender@domain.test',
        accessPoints: ['internet', 'mms'],
        proxies: ['proxy.operator.test'],
        bookmarks: [
          { uri: 'http://wap.operator.test/', name: 'Operator' },
          { uri: 'https://www.operator.test/help', name: 'Help' },
        ],
        accounts: [
          { application: 'w4', address: 'http://mmsc.operator.test/' },
          { application: '143', address: 'imap.operator.test' },
        ],
      },
    );
    assert.deepEqual(await query('bookmarks'), [
      { uri: 'http://wap.operator.test/', name: 'Operator', startPage: true },
      { uri: 'https://www.operator.test/help', name: 'Help', startPage: false },
    ]);
    const [mail, mms] = await query('accounts');
    assert.deepEqual(mail.addresses, [{ address: 'imap.operator.test', port: 993 }]);
    assert.deepEqual(mail.credentials, [{ type: 'HTTP-BASIC', name: 'bob', secret: 'secret' }]);
    assert.deepEqual(mms.proxies, ['proxy.operator.test']);

    const [internet, second] = await host.query('connections.ua', 'accessPoints');
    assert.deepEqual(internet, {
      id: 'internet',
      name: 'Operator Internet',
      bearers: ['GSM-GPRS'],
      address: 'internet.operator.test',
      addressType: 'APN',
      internet: true,
      dns: [],
      credentials: [],
    });
    assert.deepEqual(second.credentials, [{ type: 'PAP', name: 'mms', secret: 'mms' }]);
    const [proxy] = await host.query('connections.ua', 'proxies');
    assert.deepEqual(proxy.servers, [{ address: '192.0.2.8', ports: [8080], accessPoints: ['mms'] }]);
  });
}

test('a push selects an access point that the device has', async (t) => {
  const { host, push } = await device(t, { unsigned: true });
  const select = (body) => host.push({ app: 'connections.ua', type: 'text/plain', body });
  assert.equal((await select('mms')).status, 603);
  await push(await sample('mms.wbxml'), WBXML);
  assert.equal((await select('mms')).outcome, 'delivered');
  assert.equal(await host.query('connections.ua', 'selected'), 'mms');
});

test('a later document replaces settings with the same identifier', async (t) => {
  const { host, push } = await device(t, { unsigned: true });
  for (const address of ['one.test', 'two.test']) {
    const napdef = `<parm name="NAPID" value="a"/><parm name="NAP-ADDRESS" value="${address}"/>`;
    await push(minimal(`<characteristic type="NAPDEF">${napdef}</characteristic>`), XML);
  }
  const accessPoints = await host.query('connections.ua', 'accessPoints');
  assert.deepEqual(
    accessPoints.map(({ address }) => address),
    ['two.test'],
  );
});

for (const moment of ['ending', 'ended']) {
  test(`applies a document once if the device loses power (${moment})`, async (t) => {
    const { host, push, emitted } = await device(t, { unsigned: true });
    const killed = host.kill(moment);
    await push(await sample('mms.wbxml'), WBXML);
    await killed;
    await host.restart();
    await host.until(async () => (await host.inbox()).length === 0);
    await host.until(() => emitted('provisioned').length > 0);
    assert.equal(new Set(emitted('provisioned').map(({ id }) => id)).size, 1);
    assert.equal((await host.query('connections.ua', 'accessPoints')).length, 1);
  });
}

test('refuses a document whose MAC does not match, or is missing', async (t) => {
  const { push, emitted } = await device(t);
  const octets = await sample('mms.wbxml');
  const wrong = Buffer.from('2926102143658700', 'hex');
  for (const type of [WBXML, signed(0, wrong, octets), signed('NETWPIN', IMSI_KEY, octets.subarray(1))]) {
    assert.equal((await push(octets, type)).status, 403, type);
  }
  for (const type of [
    `${WBXML};SEC=0`,
    `${WBXML};MAC=00`,
    signed(3, IMSI_KEY, octets),
    `${WBXML};SEC=0;MAC=0`,
  ]) {
    assert.equal((await push(octets, type)).status, 415, type);
  }
  assert.deepEqual(emitted('provisioned'), []);
});

test('refuses NETWPIN on a device without an IMSI', async (t) => {
  const { push } = await device(t, {});
  const octets = await sample('mms.wbxml');
  assert.equal((await push(octets, signed(0, IMSI_KEY, octets))).status, 403);
});

test('an IMSI with an even number of digits is filled with F', async (t) => {
  const { push } = await device(t, { imsi: '26201123456789' });
  const octets = await sample('mms.wbxml');
  const key = Buffer.from('21261021436587f9', 'hex');
  assert.equal((await push(octets, signed(0, key, octets))).outcome, 'delivered');
});

for (const [method, key] of [
  ['USERPIN', Buffer.from('1234')],
  ['USERNETWPIN', Buffer.concat([IMSI_KEY, Buffer.from('1234')])],
]) {
  test(`${method}: waits for the PIN of the user, even over a restart`, async (t) => {
    const { host, push, emitted, query } = await device(t);
    const octets = await sample('mms.wbxml');
    assert.equal((await push(octets, signed(method, key, octets))).outcome, 'delivered');
    const [{ request }] = emitted('pin-required');
    assert.deepEqual(emitted('provisioned'), []);
    await host.restart();
    assert.deepEqual(await query('pending'), [{ request, from: 'sip:sender@domain.test' }]);
    assert.deepEqual(await query('confirm', { request, pin: '0000' }), { accepted: false, attemptsLeft: 2 });
    assert.deepEqual(await query('confirm', { request, pin: '1234' }), { accepted: true, attemptsLeft: 0 });
    await host.until(() => emitted('provisioned').length === 1);
    assert.deepEqual(await query('pending'), []);
    assert.equal((await host.query('connections.ua', 'accessPoints')).length, 1);
    await assert.rejects(query('confirm', { request, pin: '1234' }), /unknown request/);
  });
}

test('discards a document after three wrong PINs, and after a day', async (t) => {
  const { host, push, emitted, query } = await device(t);
  const octets = await sample('mms.wbxml');
  const type = signed('USERPIN', '1234', octets);
  await push(octets, type);
  const [{ request }] = emitted('pin-required');
  for (const attemptsLeft of [2, 1, 0]) {
    assert.deepEqual(await query('confirm', { request, pin: '9999' }), { accepted: false, attemptsLeft });
  }
  assert.deepEqual(await query('pending'), []);
  await push(octets, type);
  assert.equal((await query('pending')).length, 1);
  await host.clock.advance(24 * 60 * 60 * 1000);
  await host.until(async () => (await query('pending')).length === 0);
  assert.deepEqual(await host.storage('otaprov.ua'), {});
});

test('keeps at most ten documents that wait for a PIN', async (t) => {
  const { push, query } = await device(t);
  const octets = await sample('mms.wbxml');
  for (let count = 0; count < 10; count++) await push(octets, signed('USERPIN', `${count}`, octets));
  assert.equal((await push(octets, signed('USERPIN', '10', octets))).status, 603);
  assert.equal((await query('pending')).length, 10);
});

test('describes a document', async (t) => {
  const { host, push } = await device(t, { unsigned: true });
  const octets = await sample('mms.wbxml');
  const { pushId } = await push(octets, WBXML);
  assert.deepEqual((await host.describe(pushId))?.fields, {
    accessPoints: '1',
    proxies: '0',
    bookmarks: '0',
    accounts: '1',
  });
});

test('refuses content that is not a provisioning document, with a reason', async (t) => {
  const { push, emitted } = await device(t, { unsigned: true });
  const long = 'a'.repeat(481);
  const documents = [
    '<characteristic/>',
    '<characteristic type="BOOTSTRAP"/>',
    '<characteristic type="NAPDEF"><parm name="NAPID" value="a"/></characteristic>',
    '<characteristic type="PXLOGICAL"><parm name="PROXY-ID"/></characteristic>',
    `<characteristic type="NAPDEF"><parm name="NAPID" value="${long.slice(0, 129)}"/></characteristic>`,
    `<characteristic type="NAPDEF"><parm name="NAPID" value="${long}"/></characteristic>`,
    '<characteristic type="PORT"><parm/></characteristic>',
    '<characteristic type="APPLICATION"><parm name="APPID" value="25"/><characteristic type="APPADDR">' +
      '<parm name="ADDR" value="a"/><characteristic type="PORT"><parm name="PORTNBR" value="70000"/>' +
      '</characteristic></characteristic></characteristic>',
  ];
  for (const document of documents) {
    assert.equal((await push(minimal(document), XML, 'session')).status, 415, document);
  }
  for (const body of ['', '<si/>', 'no markup']) assert.equal((await push(body, XML)).status, 415, body);
  assert.deepEqual(emitted('provisioned'), []);
});

test('answers changed and cut documents without failing', async (t) => {
  const { push } = await device(t, { unsigned: true });
  const octets = await sample('mms.wbxml');
  for (let at = 0; at < octets.length; at += 3) {
    for (const body of [octets.with(at, octets[at] ^ 0xff), octets.subarray(0, at)]) {
      assert.notEqual((await push(body, WBXML)).outcome, 'failed');
    }
  }
});
