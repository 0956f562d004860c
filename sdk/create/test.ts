/** The tests of a new push application, for the test runner of Node.js. */

import { type Project, sampleType } from './project.js';
import { quoted } from './source.js';

export function testOf(project: Project): string {
  const { id, language } = project;
  const module = language === 'ts' ? '../dist/index.js' : '../src/index.js';
  return `/** ${id} on a device in memory: no network, no waiting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import app from '${module}';

const APP = ${quoted(id)};
const TYPE = ${quoted(sampleType(project))};

test('takes a push in a MESSAGE, and tells the user', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: 'hello' });
  assert.deepEqual({ outcome, status }, { outcome: 'delivered', status: 200 });
  const [told] = host.emitted(APP, 'received');
  assert.equal(told?.size, 5);
  assert.equal(told?.mode, 'pager');
});

test('takes a file in a session, of any size', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const body = new Uint8Array(1_000_000).fill(1);
  const { outcome } = await host.push({ app: APP, type: TYPE, body, mode: 'session', fileName: 'a.bin' });
  assert.equal(outcome, 'delivered');
  assert.equal(host.emitted(APP, 'received')[0]?.size, body.length);
});

test('refuses what is empty, and says why', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: '' });
  assert.deepEqual({ outcome, status }, { outcome: 'refused', status: 603 });
});

test('keeps what it was told over a restart', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  await host.push({ app: APP, type: TYPE, body: 'hello' });
  await host.restart();
  assert.deepEqual(await host.query(APP, 'last'), { from: 'sip:sender@domain.test', mode: 'pager', size: 5 });
});
`;
}
