/** DELETE of a push in progress, from the HTTP API to the wire (TS 8.2.2-09, 8.2.2-10). */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPushSender, type PushSenderHost } from '../../core/sender-host.js';
import { PushEvents } from '../../sdk/http-api/push-events.js';
import { type HttpApiServer, openHttpApi } from '../../sdk/http-api/server.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { eventually } from '../support/wait.js';

const KEY = 'a-key-that-is-hard-to-guess';
const PUSH = { to: BOB, app: 'mms.ua', mode: 'session', content: { type: 'text/plain', text: 'hello' } };

let data: string;
let core: ScriptedCore;
let host: PushSenderHost;
let server: HttpApiServer;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sip-push-cancel-'));
  core = await ScriptedCore.tcp();
  await start();
});
afterEach(async () => {
  await stop();
  await core.close();
  await rm(data, { recursive: true });
});

async function start(): Promise<void> {
  host = await createPushSender({
    ...{ identity: PSA, servers: [core.uri], register: false, data },
    media: { host: '127.0.0.1' },
  });
  const options = { outbox: host.outbox, events: new PushEvents(), directory: host.agent.directory };
  const address = { host: '127.0.0.1', port: 0 };
  server = await openHttpApi(address);
  server.serve({ ...options, key: KEY, maxContent: 100_000, version: '1' });
}

async function stop(): Promise<void> {
  await server.close();
  await host.stop();
}

async function api(method: string, path: string, body?: object): Promise<{ id: string; state: string }> {
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return await response.json();
}

it('8.2.2-09: sends CANCEL while the terminal rings, and nothing more, even after a restart', async () => {
  const { id } = await api('POST', '/pushes', PUSH);
  const { request: invite, respond } = await core.request('INVITE');
  respond(180);
  const deleted = api('DELETE', `/pushes/${id}`);
  const cancel = await core.request('CANCEL');
  expect(cancel.request.uri).toBe(invite.uri);
  expect(cancel.request.headers.get('Call-ID')).toBe(invite.headers.get('Call-ID'));
  cancel.respond(200);
  respond(487);
  await core.request('ACK');
  expect(await deleted).toMatchObject({ id, state: 'cancelled' });
  await stop();
  await start();
  expect(await api('GET', `/pushes/${id}`)).toMatchObject({ state: 'cancelled' });
  expect(host.outbox.waiting).toBe(0);
  expect(core.requests.map(({ request }) => request.method)).toEqual(['INVITE', 'CANCEL', 'ACK']);
});

it('8.2.2-09: ends the session of a terminal that accepted meanwhile with ACK and BYE', async () => {
  const { id } = await api('POST', '/pushes', PUSH);
  const { respond } = await core.request('INVITE');
  respond(180);
  await api('DELETE', `/pushes/${id}`);
  respond(200, [['Contact', `<${BOB};gr=urn:uuid:1>`]]);
  await core.request('ACK');
  (await core.request('BYE')).respond(200);
  expect(await api('GET', `/pushes/${id}`)).toMatchObject({ state: 'cancelled' });
});

it('8.2.2-09: does not cancel a MESSAGE that was sent; a waiting push is not sent', async () => {
  const { id } = await api('POST', '/pushes', { ...PUSH, mode: 'pager', ttl: 3600 });
  (await core.request('MESSAGE')).respond(480);
  await eventually('the push waits for a retry', () => core.unanswered('MESSAGE').length === 0 || undefined);
  expect(await api('DELETE', `/pushes/${id}`)).toMatchObject({ state: 'cancelled' });
  await eventually('no push waits', () => host.outbox.waiting === 0 || undefined);
  expect(core.requests).toHaveLength(1);
});
