/** `sip-push demo`: its output, and access to its page. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningProcess, runProcess } from '../../support/programs/process.js';
import { CLI, Folder, lineOf, linesOf } from '../sip-push.js';

describe('the demo', () => {
  let folder: Folder;
  beforeAll(async () => {
    folder = await Folder.make();
  });
  afterAll(() => folder?.remove());

  it('--once --json: every push is accepted and delivered, all lines are JSON, exit 0', async () => {
    const { code, stdout } = await folder.run('demo', '--once', '--json');
    expect(code).toBe(0);
    const lines = linesOf({ stdout });
    const of = (event: string) => lines.filter((line) => line.event === event);
    const apps = (of('registered')[0]?.apps ?? []) as string[];
    expect(new Set(of('push').map(({ app }) => app))).toEqual(new Set(apps));
    for (const push of of('push')) expect(push).toMatchObject({ outcome: 'accepted', status: 200 });
    for (const receipt of of('receipt')) expect(receipt).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(of('receipt')).toHaveLength(of('push').length);
    expect(of('app').length).toBeGreaterThan(0);
    expect(lines.at(-1)).toEqual({ event: 'stopped', reason: 'the demo ended' });
  });

  it('--once prints what each application received', async () => {
    const { code, stdout } = await folder.run('demo', '--once');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Push to mms\.ua: \d+ bytes of application\/vnd\.wap\.mms-message$/m);
    expect(stdout).toMatch(/^ {2}description {3}Multimedia message from \+15550100/m);
    expect(stdout).toMatch(/^Push to wml\.ua: \d+ bytes of text\/vnd\.wap\.co, compressed \(gzip\)$/m);
    expect(stdout).toMatch(/^ {2}compressed {4}\d+ → \d+ bytes$/m);
    expect(stdout).toMatch(/^Push to dcd\.ua: .* of application\/vnd\.oma\.dcd, by reference$/m);
    expect(stdout).toMatch(/^ {2}receipt {7}delivered \(200\) sip:bob@domain\.test/m);
  });

  it('exits when the reader of its output closes the pipe', async () => {
    const script = '"$0" "$1" demo --once | head -1';
    const { stdout, stderr } = await runProcess('/bin/bash', ['-c', script, process.execPath, CLI]);
    expect({ lines: stdout.split('\n').length, stderr }).toEqual({ lines: 1, stderr: '' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('keeps running, and exits with 0 on %s', async (signal) => {
    await using demo = await folder.startProcess('demo');
    await demo.line(/^Web page with the messages: http:\/\/127\.0\.0\.1:\d+\/ {3}\(Ctrl-C ends\)$/);
    demo.kill(signal);
    expect(await demo.ended()).toEqual({ code: 0, signal: null });
    expect(demo.stderr).toEqual([]);
  });

  it('exits with 0 after a signal during the start', async () => {
    await using demo = await folder.startProcess('demo');
    await demo.line(/^SIP\/IP core/);
    demo.kill('SIGINT');
    expect(await demo.ended()).toEqual({ code: 0, signal: null });
    expect(demo.stderr).toEqual([]);
  });

  describe('its page', () => {
    let demo: RunningProcess;
    let url: string;
    beforeAll(async () => {
      demo = await folder.startProcess('demo', '--json');
      url = String((await lineOf(demo, 'page')).url);
    });
    afterAll(async () => {
      await demo?.stop();
    });

    const post = (headers: Record<string, string> = { 'content-type': 'application/json' }) =>
      fetch(new URL('/push', url), { method: 'POST', headers, body: '{}' });

    it('is one document and one script, and loads nothing from other origins', async () => {
      const page = await fetch(url);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
      const html = await page.text();
      expect(html).toContain('Push Sender Agent');
      expect(html).not.toMatch(/(?:src|href)="(?!\/browser\.js|data:)/);
      const script = await fetch(new URL('/browser.js', url));
      expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect(await script.text()).toContain('EventSource');
    });

    it('reports past and new pushes, message by message', async () => {
      const events = await readEvents(new URL('/events', url));
      await using _ = events;
      const isMms = ({ kind, app }: PageEvent) => kind === 'push' && app === 'mms.ua';
      const first = await events.next(isMms);
      expect(first).toMatchObject({ outcome: 'accepted', title: expect.stringMatching(/./) });
      const messages = events.seen.filter(
        ({ label, note }) => label === 'MESSAGE' && String(note).includes('mms.ua'),
      );
      expect(messages[0]).toMatchObject({ agent: 'sender', sent: true, transport: 'UDP' });
      expect(messages.at(-1)).toMatchObject({ agent: 'device', sent: false, transport: 'TCP' });
      expect(messages.at(-1)?.text).toMatch(/^P-Asserted-Identity: <sip:psa@domain\.test>$/m);
      // Binary content is shown as octets.
      expect(messages[0]?.text).toMatch(/^0000 {2}8c 82 /m);

      const before = events.seen.length;
      expect((await post()).status).toBe(204);
      const second = await events.next(isMms, before);
      expect(second.text).not.toBe(first.text);
    });

    it('answers two concurrent requests', async () => {
      const answers = await Promise.all([post(), post()]);
      expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    });

    it('rejects forms of other sites, and other host names', async () => {
      expect((await post({ 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
      expect((await post({ 'content-type': 'text/plain' })).status).toBe(415);
      const { port } = new URL(url);
      for (const host of ['evil.test', `evil.test:${port}`, '127.0.0.1', `127.0.0.1:${Number(port) + 1}`]) {
        expect(await statusFor(url, host), host).toBe(403);
        expect(await statusFor(`${url}events`, host), host).toBe(403);
      }
      expect(await statusFor(url, `localhost:${port}`)).toBe(200);
    });

    it.each([
      ['GET', '/push'],
      ['POST', '/'],
      ['GET', '/../package.json'],
      ['DELETE', '/events'],
    ])('%s %s: 404', async (method, path) => {
      expect((await fetch(new URL(path, url), { method })).status).toBe(404);
    });
  });
});

async function statusFor(url: string, host: string): Promise<number | undefined> {
  const sentRequest = request(url, { headers: { host } }).end();
  const [response]: IncomingMessage[] = await once(sentRequest, 'response');
  sentRequest.destroy();
  return response?.statusCode;
}

type PageEvent = { kind: string } & Record<string, unknown>;

/** Reads server-sent events until disposed of. */
async function readEvents(url: URL) {
  const stop = new AbortController();
  const { body } = await fetch(url, { signal: stop.signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  const seen: PageEvent[] = [];
  let rest = '';
  return {
    seen,
    /** The first event from `start` on for which `wanted` is true. */
    async next(wanted: (event: PageEvent) => boolean, start = 0): Promise<PageEvent> {
      for (let at = start; ; at++) {
        while (at >= seen.length) {
          const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
          if (done) throw new Error(`no such event; there were ${JSON.stringify(seen)}`);
          const parts = `${rest}${value}`.split('\n\n');
          rest = parts.pop() ?? '';
          seen.push(...parts.map((part) => JSON.parse(part.replace(/^data: /, ''))));
        }
        const event = seen[at];
        if (event && wanted(event)) return event;
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reader?.cancel().catch(() => {});
    },
  };
}
