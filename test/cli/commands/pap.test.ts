import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PapMessage, writePapDocument } from '../../../core/pap/document.js';
import { readPapPackage } from '../../../core/pap/package.js';
import { TestHttpServer } from '../../support/pages/http-server.js';
import { Folder } from '../sip-push.js';

describe('sip-push pap', () => {
  let folder: Folder;
  let gateway: Awaited<ReturnType<typeof TestHttpServer.start>>;
  let answer: PapMessage | number;
  const received: PapMessage[] = [];

  beforeAll(async () => {
    folder = await Folder.make();
    await folder.write('mail.si', '<si/>');
    gateway = await TestHttpServer.start((request, response) => void respond(request, response));
  });
  beforeEach(() => {
    received.length = 0;
  });
  afterAll(async () => {
    await gateway.close();
    await folder.remove();
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { message } = await readPapPackage(
      request.headers['content-type'] ?? '',
      new Blob([Uint8Array.from(Buffer.concat(chunks))]).stream(),
    );
    received.push(message);
    if (typeof answer === 'number') response.writeHead(answer).end();
    else response.writeHead(202, { 'content-type': 'application/xml' }).end(writePapDocument(answer));
  }

  const pap = (operation: string, ...args: string[]) =>
    folder.run('pap', operation, '--ppg', gateway.url('/pap'), ...args);
  const submit = (...args: string[]) =>
    pap('submit', '--app', 'wml.ua', '--type', 'text/vnd.wap.si', ...args, 'mail.si');

  it('submits a push to phone numbers, URIs and addresses of PAP', async () => {
    answer = {
      kind: 'push-response',
      pushId: '1',
      code: 1001,
      progressNotes: [{ stage: 'pending', note: 'queued' }],
    };
    const { code, stdout } = await submit(
      ...['--to', '+358401', '--to', 'sip:bob@domain.test', '--to', 'WAPPUSH=bob/TYPE=USER@x', '--id', '1'],
      ...['--delivery', 'confirmed', '--before', '2026-12-24T18:00:00Z', '--notify-to', 'https://a.test/n'],
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '1: 1001 Accepted for processing\n  pending: queued',
    });
    expect(received).toMatchObject([
      {
        kind: 'push-message',
        pushId: '1',
        addresses: [
          'WAPPUSH=+358401/TYPE=PLMN@127.0.0.1',
          'WAPPUSH="sip%3Abob%40domain.test"/TYPE=URI@127.0.0.1',
          'WAPPUSH=bob/TYPE=USER@x',
        ],
        qualityOfService: { deliveryMethod: 'confirmed' },
        deliverBefore: new Date('2026-12-24T18:00:00Z'),
        notifyTo: 'https://a.test/n',
      },
    ]);
  });

  it('replaces a push', async () => {
    answer = { kind: 'push-response', pushId: '2', code: 3011, description: 'no' };
    const { code, stdout } = await pap(
      ...['replace', '--app', 'wml.ua', '--type', 'text/vnd.wap.si', '--to', '+1', '--id', '2'],
      ...['--replaces', '1', '--replace-method', 'pending-only', 'mail.si'],
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '2: 3011 Replacement not supported: no' });
    expect(received).toMatchObject([{ replacePushId: '1', replaceMethod: 'pending-only' }]);
  });

  it('prints states in words, and as JSON', async () => {
    answer = {
      kind: 'statusquery-response',
      pushId: '1',
      results: [
        { code: 1000, messageState: 'delivered', eventTime: new Date(0), addresses: ['a', 'b'] },
        { code: 2003, addresses: [] },
      ],
    };
    expect(await pap('status', '--id', '1')).toMatchObject({
      code: 1,
      stdout:
        'a, b: delivered since 1970-01-01T00:00:00.000Z, 1000 OK\nall recipients: 2003 Address not found',
    });
    const { stdout } = await pap('status', '--id', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      pushId: '1',
      results: [{ messageState: 'delivered' }, { code: 2003 }],
    });
  });

  it('cancels a push for one recipient', async () => {
    answer = { kind: 'cancel-response', pushId: '1', results: [{ code: 2008, addresses: ['a'] }] };
    expect(await pap('cancel', '--id', '1', '--to', '+1')).toMatchObject({
      code: 1,
      stdout: 'a: 2008 Cancellation not possible',
    });
    expect(received).toMatchObject([
      { kind: 'cancel-message', addresses: ['WAPPUSH=+1/TYPE=PLMN@127.0.0.1'] },
    ]);
  });

  it('asks for capabilities', async () => {
    answer = { kind: 'ccq-response', code: 3008 };
    expect(await pap('ccq', '--to', '+1', '--app', 'x:y')).toMatchObject({
      code: 1,
      stdout: 'WAPPUSH=+1/TYPE=PLMN@127.0.0.1: 3008 Capabilities not available',
    });
    expect(received).toMatchObject([{ kind: 'ccq-message', appId: 'x:y' }]);
  });

  it.each([
    [{ kind: 'push-response', pushId: '1', code: 4001 }, 75],
    [503, 75],
    [404, 1],
    [{ kind: 'badmessage-response', code: 2000, fragment: 'x' }, 1],
  ] as [PapMessage | number, number][])('ends after %o with exit code %i', async (given, code) => {
    answer = given;
    expect(await submit('--to', '+1')).toMatchObject({ code });
  });

  it.each([
    [['submit'], 'missing --ppg'],
    [
      ['fetch', '--ppg', 'http://x'],
      'unknown operation "fetch": expected submit, replace, status, cancel, ccq',
    ],
    [['--ppg', 'http://x'], 'missing operation'],
    [['status', '--ppg', 'ftp://x', '--id', '1'], 'invalid --ppg "ftp://x"'],
    [['status', '--ppg', 'http://x'], 'missing --id'],
    [
      ['status', '--ppg', 'http://x', '--id', '1', '--priority', 'high'],
      'unexpected --priority: "pap status" does not have it',
    ],
    [['submit', '--ppg', 'http://x', '--app', 'wml.ua', '--type', 'a/b', 'mail.si'], 'missing --to'],
    [['submit', '--ppg', 'http://x', '--to', 'bob', 'mail.si'], 'invalid --to "bob"'],
    [
      ['submit', '--ppg', 'http://x', '--to', '+1', '--app', 'a b', '--type', 'a/b', 'mail.si'],
      'invalid --app "a b"',
    ],
    [['submit', '--ppg', 'http://x', '--to', '+1', '--app', 'a', '--type', 'a/b', 'no.si'], 'no.si'],
    [
      [
        'submit',
        '--ppg',
        'http://x',
        '--to',
        '+1',
        '--app',
        'a',
        '--type',
        'a/b',
        '--before',
        'soon',
        'mail.si',
      ],
      'invalid --before "soon"',
    ],
    [
      [
        'submit',
        '--ppg',
        'http://x',
        '--to',
        '+1',
        '--app',
        'a',
        '--type',
        'a/b',
        '--header',
        'x',
        'mail.si',
      ],
      'invalid --header "x"',
    ],
    [
      ['replace', '--ppg', 'http://x', '--to', '+1', '--app', 'a', '--type', 'a/b', 'mail.si'],
      'missing --replaces',
    ],
    [['status', '--ppg', 'http://x', '--id', '1', '--password', 'p'], 'missing --username'],
    [['status', '--ppg', 'http://x', '--id', '1', '--pap-version', '3'], 'invalid --pap-version "3"'],
    [
      ['status', '--ppg', 'http://x', '--id', '1', '--cert', 'a.pem'],
      'missing --key: expected it with --cert',
    ],
    [['status', '--ppg', 'http://x', '--id', '1', '--ca', 'no.pem'], 'no.pem does not exist'],
  ])('rejects %j', async (args, expected) => {
    const { code, stderr } = await folder.run('pap', ...args);
    expect(stderr).toContain(expected);
    expect(code).toBe(2);
  });
});
