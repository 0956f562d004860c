/** emn.ua on a device in memory. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { emailNotification } from 'sip-push/formats';
import { startTestHost } from 'sip-push/testing';
import app from '../dist/index.js';

const XML = 'text/vnd.wap.emn+xml';
const WBXML = 'application/vnd.wap.emn+wbxml';
const sample = (name) =>
  readFile(new URL(`../samples/${name}`, import.meta.url)).then((octets) => new Uint8Array(octets));
const notification = (mailbox, timestamp) =>
  emailNotification.toWbxml({ mailbox, timestamp: timestamp && new Date(timestamp) });

/** A device with the application. */
async function device(t) {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const push = (body, type = WBXML, mode = 'pager') => host.push({ app: 'emn.ua', type, body, mode });
  const changes = () =>
    host.emitted('emn.ua', 'mail').map(({ mailbox, timestamp }) => ({ mailbox, timestamp }));
  return { host, push, changes };
}

for (const mode of ['pager', 'session']) {
  test(`emits the mailbox that changed, in XML and WBXML (${mode} mode)`, async (t) => {
    const { push, changes } = await device(t);
    assert.equal((await push(await sample('notification.xml'), XML, mode)).outcome, 'delivered');
    assert.equal((await push(await sample('notification.wbxml'), WBXML, mode)).outcome, 'delivered');
    assert.deepEqual(changes(), [
      { mailbox: 'mailat:user@wapforum.org', timestamp: '2002-04-16T06:40:00.000Z' },
      { mailbox: 'imap://mail.example.com', timestamp: '2002-04-16T06:40:00.000Z' },
    ]);
  });
}

test('emits a change once: accepts repeated and delayed notifications without an event', async (t) => {
  const { host, push, changes } = await device(t);
  await push(notification('imap://mail.example.com', '2026-01-02'));
  await host.restart();
  for (const timestamp of ['2026-01-02', '2026-01-01']) {
    const { outcome } = await push(notification('imap://mail.example.com', timestamp));
    assert.equal(outcome, 'delivered');
  }
  await push(notification('imap://mail.example.com', '2026-01-03'));
  assert.deepEqual(
    changes().map(({ timestamp }) => timestamp.slice(0, 10)),
    ['2026-01-02', '2026-01-03'],
  );
});

test('uses the time of receipt for a notification without a timestamp', async (t) => {
  const { host, push, changes } = await device(t);
  await push(notification('mailat:bob@domain.test'));
  assert.equal(changes()[0].timestamp, new Date(host.clock.now()).toISOString());
});

test('keeps the 100 mailboxes that changed last', async (t) => {
  const { host, push } = await device(t);
  const start = Date.UTC(2026, 0, 1);
  for (let index = 0; index < 105; index++) {
    await push(notification(`mailat:${index}@domain.test`, start + index * 1000));
  }
  const mailboxes = await host.query('emn.ua', 'mailboxes');
  assert.equal(mailboxes.length, 100);
  assert.equal(mailboxes[0].mailbox, 'mailat:5@domain.test');
  assert.equal(Object.keys(await host.storage('emn.ua')).length, 100);
});

test('accepts and stores a mailbox of 512 characters', async (t) => {
  const { host, push } = await device(t);
  const mailbox = `mailat:${'\u{1f4e7}'.repeat(252)}a`;
  assert.equal((await push(notification(mailbox), WBXML, 'session')).outcome, 'delivered');
  assert.deepEqual(Object.keys(await host.storage('emn.ua')), [mailbox]);
});

test('refuses content that is not a notification, with a reason', async (t) => {
  const { push, changes } = await device(t);
  for (const body of ['', '<emn/>', '<si/>', 'no markup']) {
    assert.deepEqual((await push(body, XML)).status, 415, body);
  }
  assert.equal((await push(notification(''))).status, 415);
  assert.equal((await push(notification(`mailat:${'a'.repeat(506)}`))).status, 413);
  const octets = await sample('notification.wbxml');
  for (let at = 0; at < octets.length; at++) {
    const { outcome } = await push(octets.with(at, octets[at] ^ 0xff));
    assert.notEqual(outcome, 'failed');
  }
  assert.ok(changes().length < octets.length);
});
