/** `sip-push host`: its output, its shutdown, and its trace. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExternalBody } from '../../../core/content/external-body.js';
import { formatMediaType } from '../../../core/content/media-type.js';
import { isRequest } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import { TestHttpServer } from '../../support/pages/http-server.js';
import { runProcess } from '../../support/programs/process.js';
import type { Running } from '../../support/programs/running.js';
import { eventually } from '../../support/wait.js';
import {
  BOB,
  bob,
  CLI,
  DOMAIN,
  Folder,
  lineOf,
  linesOf,
  PSA,
  psa,
  startNetworkCommand,
  startNetworkProcess,
} from '../sip-push.js';

/** The fields of each event, in any order; optional fields have a question mark. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  registered: ['identity', 'apps', 'expires', 'publicGruu?', 'temporaryGruu?'],
  'registration-failed': ['status?', 'reason', 'retryInSeconds?'],
  push: [...['id', 'app', 'mode', 'from', 'contentType', 'size', 'sha256', 'fileName?', 'outcome', 'status']],
  refused: ['method', 'status', 'reason', 'from', 'apps?'],
  app: [
    'id',
    'app',
    'kind',
    'transactionId',
    'from?',
    'subject?',
    'messageSize',
    'expiry',
    'contentLocation',
  ],
  stopped: ['reason'],
};
const NOTIFICATION = new URL('../../../examples/mms-notification.mms', import.meta.url);
const WEATHER_APP =
  'export default { id: "weather.ua", accepts: ["text/plain"], delivery: "direct", order: "parallel", start: () => ({ receive() {} }) };';
/** Fails once, and then refuses the push, which is confirmed to its sender. */
const FAILING_APP = `export default { id: "weather.ua", accepts: ["text/plain"], start: () => ({
  receive({ attempt }) {
    if (attempt === 1) throw new Error("the backend is down");
    throw Object.assign(new Error("not wanted"), { [Symbol.for("sip-push.refusal")]: true, kind: "declined" });
  } }) };`;
const MMS = 'application/vnd.wap.mms-message';

describe('a host', () => {
  let folder: Folder;
  let core: Awaited<ReturnType<typeof startNetworkCommand>>;
  beforeAll(async () => {
    folder = await Folder.make();
    core = await startNetworkCommand(folder);
    await folder.write('psa.json', psa(core.udp));
    await folder.write('notification.mms', await readFile(NOTIFICATION));
  });
  afterAll(async () => {
    await core?.running.stop();
    await folder?.remove();
  });

  async function startHost(...args: string[]): Promise<Running> {
    await folder.write('bob.json', bob(core.tcp));
    const host = await folder.start('host', '--config', 'bob.json', '--json', ...args);
    await lineOf(host, 'registered');
    return host;
  }

  const push = (app: string, type: string) =>
    folder.run(
      ...['send', '--config', 'psa.json', '--to', BOB, '--app', app, '--type', type, 'notification.mms'],
    );

  it('prints each failed delivery of a confirmed push, and its dead letter', async () => {
    await folder.write('weather.mjs', FAILING_APP);
    await folder.write('failing.json', { ...bob(core.tcp), apps: ['./weather.mjs'] });
    await folder.write('forecast.txt', 'rain');
    await using host = await folder.start('host', '--config', 'failing.json', '--json');
    await lineOf(host, 'registered');
    await folder.run(
      ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'weather.ua'],
      ...['--type', 'text/plain', 'forecast.txt'],
    );
    const { id } = await lineOf(host, 'push');
    expect(await lineOf(host, 'retry')).toEqual({
      ...{ event: 'retry', id, app: 'weather.ua', attempt: 1 },
      ...{ reason: 'weather.ua threw: the backend is down', nextInSeconds: expect.any(Number) },
    });
    expect(await lineOf(host, 'dead-letter')).toEqual({
      ...{ event: 'dead-letter', id, app: 'weather.ua', attempts: 2 },
      reason: 'refused (declined): not wanted',
    });
  });

  it('prints NDJSON with the documented fields only', async () => {
    await using host = await startHost();
    expect(await push('mms.ua', MMS)).toMatchObject({ code: 0 });
    expect(await push('mms.ua', 'text/plain')).toMatchObject({ code: 1 });
    await lineOf(host, 'refused');
    host.kill('SIGINT');
    expect(await host.ended()).toEqual({ code: 0, signal: null });

    const lines = linesOf(host);
    expect(lines.map(({ event }) => event)).toEqual(['registered', 'app', 'push', 'refused', 'stopped']);
    for (const { event, ...fields } of lines) {
      const known = FIELDS[event] ?? [];
      const needed = known.filter((name) => !name.endsWith('?'));
      expect(Object.keys(fields), event).toEqual(expect.arrayContaining(needed));
      expect(
        known.map((name) => name.replace('?', '')),
        event,
      ).toEqual(expect.arrayContaining(Object.keys(fields)));
    }
    const bytes = await readFile(NOTIFICATION);
    expect(lines[0]).toMatchObject({ identity: BOB, apps: ['mms.ua'], expires: expect.any(Number) });
    expect(lines[2]).toMatchObject({
      app: 'mms.ua',
      mode: 'pager',
      from: PSA,
      contentType: MMS,
      size: bytes.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      outcome: 'accepted',
      status: 200,
    });
    expect(lines[3]).toMatchObject({ method: 'MESSAGE', status: 415, from: PSA });
    // Connection events go to stderr, for people.
    expect(host.stderr.join('\n')).toMatch(/^connected {5}sip:127\.0\.0\.1:\d+;transport=tcp$/m);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('6.1-11: %s de-registers, and exits with 0', async (signal) => {
    await folder.write('bob.json', bob(core.tcp));
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
    const registered = await lineOf(core.running, 'registered');
    const before = linesOf(core.running).filter(({ event }) => event === 'deregistered').length;
    host.kill(signal);
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    const ends = linesOf(core.running).filter(({ event }) => event === 'deregistered');
    expect(ends.slice(before)).toMatchObject([{ identity: BOB, reason: 'removed' }]);
    expect(registered).toMatchObject({ identity: BOB, username: 'bob' });
    expect(linesOf(host).at(-1)).toEqual({ event: 'stopped', reason: 'signal' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('exits at once on a second %s, without an answer of the core', async (signal, code) => {
    const network = await startNetworkProcess(folder);
    await using _ = network.running;
    await folder.write('bob.json', bob(network.tcp));
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json', '--trace', signal);
    await lineOf(host, 'registered');
    // The core does not answer: the de-registration waits.
    network.running.kill('SIGSTOP');
    try {
      host.kill(signal);
      await eventually('the de-registration is sent', async () => {
        const trace = await readFile(join(folder.path, signal), 'utf8');
        return trace.match(/"direction":"out"/g)?.length === 3 || undefined;
      });
      host.kill(signal);
      expect(await host.ended()).toEqual({ code, signal: null });
    } finally {
      network.running.kill('SIGCONT');
    }
  });

  it('exits in time without a core', async () => {
    const network = await startNetworkProcess(folder);
    await using _ = network.running;
    await folder.write('bob.json', bob(network.tcp));
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
    network.running.kill('SIGKILL');
    await host.line(/^disconnected/);
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });

  it('prints text without --json', async () => {
    await folder.write('bob.json', bob(core.tcp));
    await using host = await folder.start('host', '--config', 'bob.json');
    await host.line(/^\d\d:\d\d:\d\d registered {4}sip:bob@domain\.test for \d+ s with mms\.ua$/);
    await push('mms.ua', MMS);
    await host.line(/^\d\d:\d\d:\d\d mms\.ua {8}notification transactionId /);
    await host.line(/^\d\d:\d\d:\d\d push {10}accepted \(200\) mms\.ua from sip:psa@domain\.test: /);
    host.kill('SIGINT');
    await host.line(/^\d\d:\d\d:\d\d stopped {7}signal$/);
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });

  it('8.1.1-04: fetches content by reference from the configured origins', async () => {
    await using origin = await TestHttpServer.start((_request, response) => response.end('sunny')).then(
      (server) => Object.assign(server, { [Symbol.asyncDispose]: server.close }),
    );
    const { type, body } = buildExternalBody({
      url: origin.url('/weather'),
      headers: {},
      type: { type: 'text/plain', parameters: {} },
    });
    await folder.write('weather.mjs', WEATHER_APP);
    await folder.write('reference', body);
    const send = ['send', '--config', 'psa.json', '--to', BOB, '--app', 'weather.ua', 'reference'];
    const outcomes = [];
    for (const allow of [[], ['http://127.0.0.1:*']]) {
      await folder.write('bob.json', { ...bob(core.tcp), apps: ['./weather.mjs'], fetch: { allow } });
      await using host = await folder.start('host', '--config', 'bob.json', '--json');
      await lineOf(host, 'registered');
      const { code } = await folder.run(...send, '--type', formatMediaType(type));
      outcomes.push([code, linesOf(host).find(({ event }) => event === 'push' || event === 'refused')]);
    }
    expect(outcomes).toMatchObject([
      [1, { event: 'refused', status: 403 }],
      [0, { event: 'push', mode: 'indirect', contentType: 'text/plain', size: 5, outcome: 'accepted' }],
    ]);
    expect(origin.requests).toEqual(['GET /weather']);
  });

  it('prints remote text without control characters', async () => {
    await folder.write(
      'echo.mjs',
      `export default { id: 'echo.ua', accepts: ['text/plain'], delivery: 'direct', order: 'parallel', 
        events: { text: true }, start: ({ emit }) => ({
        receive: async (push) => emit('text', { text: new TextDecoder().decode(await push.content.bytes(999)) }) }) };`,
    );
    await folder.write('bob.json', { ...bob(core.tcp), apps: ['./echo.mjs'] });
    await using host = await folder.start('host', '--config', 'bob.json');
    await host.line(/^\d\d:\d\d:\d\d registered/);
    await folder.write('hostile', 'a\u001b[2J\nregistered    \u202esip:eve@domain.test');
    const send = ['send', '--config', 'psa.json', '--to', BOB, '--app', 'echo.ua', '--type', 'text/plain'];
    expect(await folder.run(...send, 'hostile')).toMatchObject({ code: 0 });
    expect((await host.line(/^\S+ echo\.ua/)).slice(9)).toBe(
      'echo.ua       text text a [2J registered     sip:eve@domain.test',
    );
  });

  it('reports a wrong password, and retries', async () => {
    await folder.write('bob.json', { ...bob(core.tcp), password: 'wrong' });
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    expect(await lineOf(host, 'registration-failed')).toEqual({
      event: 'registration-failed',
      status: expect.any(Number),
      reason: expect.any(String),
      retryInSeconds: expect.any(Number),
    });
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });

  it('--trace writes every message of both directions as on the wire', async () => {
    await using host = await startHost('--trace', 'trace.ndjson');
    await push('mms.ua', MMS);
    await lineOf(host, 'push');
    host.kill('SIGTERM');
    await host.ended();

    const text = await readFile(join(folder.path, 'trace.ndjson'), 'utf8');
    const records = linesOf({ stdout: text });
    for (const record of records) {
      expect(record).toEqual({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        direction: expect.stringMatching(/^(in|out)$/),
        transport: 'TCP',
        local: { host: '127.0.0.1', port: expect.any(Number) },
        remote: { host: '127.0.0.1', port: expect.any(Number) },
        bytes: expect.any(String),
      });
    }
    const messages = records.map(({ direction, bytes }) => {
      const message = parseMessage(Buffer.from(String(bytes), 'base64'));
      return `${direction} ${isRequest(message) ? message.method : message.status}`;
    });
    expect(messages).toEqual([
      ...['out REGISTER', 'in 401', 'out REGISTER', 'in 200'],
      ...['in MESSAGE', 'out 200'],
      ...['out REGISTER', 'in 200'],
    ]);
    const pushed = records[4];
    const message = parseMessage(Buffer.from(String(pushed?.bytes), 'base64'));
    expect(Buffer.from(message.body)).toEqual(await readFile(NOTIFICATION));
    // Pushes and identities are private.
    expect((await stat(join(folder.path, 'trace.ndjson'))).mode & 0o077).toBe(0);
  });

  it('exits without a stack trace when the reader of its output closes the pipe', async () => {
    await folder.write('bob.json', bob(core.tcp));
    // With pipefail, the exit code of the shell is that of the host.
    const script = `set -o pipefail; "$0" "$1" host --config bob.json --json | head -1`;
    const running = runProcess('/bin/bash', ['-c', script, process.execPath, CLI], {
      cwd: folder.path,
    });
    await core.running.line(new RegExp(`"registered".*"${BOB}"`));
    // The next line that it prints has no reader.
    const again = async (): Promise<Awaited<typeof running>> => {
      const ended = await Promise.race([running, push('mms.ua', MMS).then(() => undefined)]);
      return ended ?? (await again());
    };
    const { code, stdout, stderr } = await again();
    const others = stderr.split('\n').filter((line) => !/^(connected|info) |^$/.test(line));
    expect({ code, others }).toEqual({ code: 0, others: [] });
    expect(linesOf({ stdout })).toMatchObject([{ event: 'registered', identity: `sip:bob@${DOMAIN}` }]);
  });
});
