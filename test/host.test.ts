/** A push host and a sender as a whole. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { LogRecord } from '../core/app/runtime.js';
import { createPushReceiver, type HostEvent } from '../core/host.js';
import { createPushSender } from '../core/sender-host.js';
import { Folder } from './cli/sip-push.js';
import { BOB, PSA } from './support/agents/agents.js';
import { countingApp } from './support/agents/counting-app.js';
import { freePort } from './support/programs/ports.js';
import { request } from './support/sip/requests.js';
import { ScriptedCore } from './support/sip/scripted-core.js';

it('logs an error thrown by the listener, and continues', async () => {
  const core = await ScriptedCore.udp();
  const events: HostEvent['event'][] = [];
  const logs: LogRecord[] = [];
  const host = await createPushReceiver({
    identity: BOB,
    servers: [core.uri],
    trust: [PSA],
    expires: 600,
    product: 'test/1',
    apps: [{ definition: countingApp().app }],
    onEvent: (event) => {
      events.push(event.event);
      throw new Error(`cannot handle ${event.event}`);
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
  expect(events).toEqual(['connected', 'registered', 'push', 'refused', 'stopped']);
  expect(logs.map(({ message }) => message)).toContain(
    'the listener failed on the event "push": cannot handle push',
  );
});

it('a host stops once for two calls to stop', async () => {
  const events: HostEvent[] = [];
  const onEvent = (event: HostEvent) => events.push(event);
  const host = await createPushReceiver({ identity: BOB, servers: ['sip:127.0.0.1:9'], apps: [], onEvent });
  await Promise.all([host.stop('SIGINT'), host.stop('SIGTERM')]);
  expect(events.filter(({ event }) => event === 'stopped')).toEqual([{ event: 'stopped', reason: 'SIGINT' }]);
});

it('a host that cannot start releases its port and its store', async () => {
  await using folder = await Folder.make();
  const port = await freePort();
  const options = {
    ...{ identity: BOB, servers: ['sip:127.0.0.1:9'], listen: `sip:127.0.0.1:${port};transport=tcp` },
    ...{ data: folder.path, apps: [{ definition: countingApp().app }] },
  };
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  await expect(createPushReceiver(options)).rejects.toThrow(/EADDRINUSE|in use/);
  await new Promise((closed) => server.close(closed));
  const host = await createPushReceiver(options);
  await host.stop('the test ended');
});

it('a sender stops once for two calls to stop', async () => {
  const sender = await createPushSender({ identity: PSA, servers: ['sip:127.0.0.1:9'] });
  await Promise.all([sender.stop(), sender.stop()]);
});
