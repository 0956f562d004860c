/** A push host as its owner sees it. */

import { expect, it } from 'vitest';
import type { LogRecord } from '../core/app/runtime.js';
import { createPushReceiver, type HostEvent } from '../core/host.js';
import { BOB, PSA } from './support/agents.js';
import { countingApp } from './support/counting-app.js';
import { request } from './support/requests.js';
import { ScriptedCore } from './support/scripted-core.js';

it('a listener that throws costs its owner the event, and the device nothing', async () => {
  const core = await ScriptedCore.udp();
  const told: HostEvent['event'][] = [];
  const logs: LogRecord[] = [];
  const host = await createPushReceiver({
    identity: BOB,
    servers: [core.uri],
    trust: [PSA],
    expires: 600,
    product: 'test/1',
    apps: [{ definition: countingApp().app }],
    onEvent: (event) => {
      told.push(event.event);
      throw new Error(`no room for ${event.event}`);
    },
    onLog: (record) => logs.push(record),
  });
  const register = await core.request('REGISTER');
  register.respond(200, [['Contact', register.request.headers.get('Contact') ?? '']]);
  const push = [
    'Accept-Contact: *;+g.oma.pusheventapp="mms.ua"',
    `P-Asserted-Identity: <${PSA}>`,
    'Content-Type: application/vnd.wap.mms-message',
  ];
  expect((await core.exchange(request('MESSAGE', BOB, push, 'x'))).status).toBe(200);
  expect((await core.exchange(request('MESSAGE', BOB, push.slice(1), 'x'))).status).toBe(403);
  expect(host.registration).toBeDefined();
  const stopped = host.stop('the test ended');
  (await core.request('REGISTER')).respond(200);
  await stopped;
  await core.close();
  expect(told).toEqual(['connected', 'registered', 'push', 'refused', 'stopped']);
  expect(logs.map(({ message }) => message)).toContain(
    'the host did not take the event push: no room for push',
  );
});
