import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryContent, readAll } from '../../core/content/content.js';
import { formatMediaType } from '../../core/content/media-type.js';
import { ConfigurationError, MalformedError, TimeoutError, TransportError } from '../../core/errors.js';
import { PapClient, type PapClientOptions, PapRefusedError } from '../../core/pap/client.js';
import { type PapMessage, writePapDocument } from '../../core/pap/document.js';
import { readPapPackage, writePapPackage } from '../../core/pap/package.js';
import { DigestChallenger } from '../../core/sip/authentication/digest-challenger.js';
import { makeCertificates } from '../support/certificates.js';
import { TestHttpServer } from '../support/pages/http-server.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const CONTENT = {
  headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']] as const,
  content: memoryContent({ type: 'text/vnd.wap.si', parameters: {} }, utf8('<si/>')),
};
const ACCEPTED: PapMessage = { kind: 'push-response', pushId: '1', code: 1001 };
const SUBMISSION = { pushId: '1', addresses: ['WAPPUSH=+1/TYPE=PLMN@ppg.test'] };

it.each(['', 'ppg.example/pap', 'sip:ppg@domain.test'])('PapClient rejects the URL "%s"', (url) => {
  expect(() => new PapClient({ url })).toThrow(ConfigurationError);
});

describe('PapClient', () => {
  let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
  const received: { message: PapMessage; parts: string[]; headers: IncomingMessage['headers'] }[] = [];

  afterEach(async () => {
    received.length = 0;
    await server.close();
  });

  async function readRequest(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = new Blob([Uint8Array.from(Buffer.concat(chunks))]).stream();
    const { message, parts } = await readPapPackage(request.headers['content-type'] ?? '', body);
    const contents: string[] = [];
    for await (const part of parts ?? []) {
      contents.push(new TextDecoder().decode(await readAll(part.body, 100_000_000)));
    }
    received.push({ message, parts: contents, headers: request.headers });
  }

  function send(response: ServerResponse, answer: PapMessage, status = 202): void {
    response.writeHead(status, { 'content-type': 'application/xml' }).end(writePapDocument(answer));
  }

  /** A client of a gateway that sends this answer. */
  async function gateway(answer: PapMessage, options: Partial<PapClientOptions> = {}): Promise<PapClient> {
    server = await TestHttpServer.start((request, response) => {
      void readRequest(request).then(() => send(response, answer));
    });
    return new PapClient({ url: server.url('/pap?x=1'), ...options });
  }

  it('P23-PAP-00, P23-PAP-01: submits a push with its content and assumed capabilities', async () => {
    const client = await gateway(ACCEPTED, { version: '2.0', productName: 'initiator/1' });
    const profile = memoryContent({ type: 'application/rdf+xml', parameters: {} }, utf8('<rdf/>'));
    expect(await client.submit(SUBMISSION, CONTENT, profile)).toMatchObject({ pushId: '1', code: 1001 });
    expect(server.requests).toEqual(['POST /pap?x=1']);
    expect(received).toMatchObject([
      { message: { ...SUBMISSION, kind: 'push-message' }, parts: ['<si/>', '<rdf/>'] },
    ]);
    expect(received[0]?.headers).toHaveProperty('content-length');
  });

  it('P23-PAP-04, P23-PAP-06: cancels a push, and asks for its state', async () => {
    const client = await gateway({
      kind: 'cancel-response',
      pushId: '1',
      results: [{ code: 2008, addresses: [] }],
    });
    expect((await client.cancel({ pushId: '1' })).results).toMatchObject([{ code: 2008 }]);
    server.answer = (_request, response) =>
      send(response, {
        kind: 'statusquery-response',
        pushId: '1',
        results: [{ code: 1000, messageState: 'delivered', addresses: ['a'] }],
      });
    const { results } = await client.queryStatus({ pushId: '1', addresses: ['a'] });
    expect(results).toMatchObject([{ messageState: 'delivered', addresses: ['a'] }]);
  });

  it('P23-PAP-07: returns the profile of a recipient', async () => {
    const client = await gateway(ACCEPTED);
    server.answer = (_request, response) => {
      const document = writePapDocument({ kind: 'ccq-response', code: 1000, address: 'a', queryId: 'q' });
      const profile = memoryContent({ type: 'application/xml', parameters: {} }, utf8('<rdf/>'));
      const { type, open } = writePapPackage(document, [{ headers: [], content: profile }]);
      response.writeHead(202, { 'content-type': formatMediaType(type) });
      void readAll(open(), 10_000).then((bytes) => response.end(bytes));
    };
    const { profile, ...answer } = await client.queryCapabilities({ address: 'a', queryId: 'q' });
    expect(answer).toMatchObject({ code: 1000, queryId: 'q' });
    expect(new TextDecoder().decode(profile)).toBe('<rdf/>');
  });

  it('streams content of 8 MiB', async () => {
    const client = await gateway(ACCEPTED, { timeout: 600_000 });
    const content = memoryContent(
      { type: 'image/png', parameters: {} },
      new Uint8Array(8 * 1024 * 1024).fill(0x41),
    );
    await client.submit(SUBMISSION, { headers: [], content });
    expect(received[0]?.parts[0]?.length).toBe(8 * 1024 * 1024);
  });

  describe('authentication', () => {
    const credentials = { username: 'pi', password: 'secret' };

    it('P23-PPG-01: answers a Digest challenge before a Basic one', async () => {
      const client = await gateway(ACCEPTED, { credentials });
      const challenger = new DigestChallenger({ realm: 'ppg' });
      const schemes: (string | undefined)[] = [];
      server.answer = (request, response) => {
        const { authorization, 'content-type': _type } = request.headers;
        schemes.push(authorization?.split(' ')[0]);
        const asked = { method: 'POST', uri: request.url ?? '', body: new Uint8Array() };
        request.resume();
        request.on('end', () => {
          if (authorization && challenger.verify(authorization, asked, () => 'secret').ok) {
            send(response, ACCEPTED);
          } else {
            const challenges = ['Basic realm="ppg"', ...challenger.challenge()];
            response.writeHead(401, { 'www-authenticate': challenges }).end();
          }
        });
      };
      expect(await client.submit(SUBMISSION, CONTENT)).toMatchObject({ code: 1001 });
      expect(schemes).toEqual([undefined, 'Digest']);
    });

    it.each([
      ['after a challenge', false, [undefined, 'Basic cGk6c2VjcmV0']],
      ['at once', true, ['Basic cGk6c2VjcmV0']],
    ])('sends Basic %s', async (_case, basic, expected) => {
      const client = await gateway(ACCEPTED, { credentials: { ...credentials, basic } });
      const seen: (string | undefined)[] = [];
      server.answer = (request, response) => {
        seen.push(request.headers.authorization);
        if (request.headers.authorization) send(response, ACCEPTED);
        // Kannel writes such a realm.
        else response.writeHead(401, { 'www-authenticate': 'Basic realm=vm"wappush"' }).end();
      };
      await client.cancel({ pushId: '1' }).catch(() => {});
      expect(seen).toEqual(expected);
    });

    it.each([undefined, credentials])('ends with 401 if the credentials are %o', async (given) => {
      const client = await gateway(ACCEPTED, { credentials: given });
      server.answer = (_request, response) =>
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      await expect(client.submit(SUBMISSION, CONTENT)).rejects.toMatchObject({ status: 401 });
      expect(server.requests).toHaveLength(given ? 2 : 1);
    });
  });

  it('reports a message that the gateway could not read, with its fragment', async () => {
    const client = await gateway({ kind: 'badmessage-response', code: 3002, fragment: '<pap>' });
    const error = await client.submit(SUBMISSION, CONTENT).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PapRefusedError);
    expect(error).toMatchObject({
      code: 3002,
      message: expect.stringMatching(/could not read the message: 3002 Version not supported \("<pap>"\)$/),
    });
  });

  it.each([
    ['an answer to another question', (r: ServerResponse) => send(r, ACCEPTED), PapRefusedError],
    ['HTTP 404', (r: ServerResponse) => r.writeHead(404).end('x'), PapRefusedError],
    [
      'an answer of another type',
      (r: ServerResponse) => r.writeHead(202, { 'content-type': 'text/html' }).end('x'),
      MalformedError,
    ],
    [
      'an answer that is not PAP',
      (r: ServerResponse) => r.writeHead(202, { 'content-type': 'text/xml' }).end('<a/>'),
      MalformedError,
    ],
    ['a lost connection', (r: ServerResponse) => r.destroy(), TransportError],
    [
      'an answer that ends early',
      (r: ServerResponse) => {
        r.writeHead(202, { 'content-type': 'text/xml', 'content-length': '100' });
        r.write('<pap>', () => r.destroy());
      },
      TransportError,
    ],
  ])('rejects after %s', async (_case, answer, type) => {
    const client = await gateway(ACCEPTED);
    server.answer = (_request, response) => void answer(response);
    await expect(client.cancel({ pushId: '1' })).rejects.toThrow(type);
  });

  it.each([
    ['no answer', (_response: ServerResponse) => {}],
    [
      'an answer without an end',
      (response: ServerResponse) => response.writeHead(202, { 'content-type': 'text/xml' }).write('<pap>'),
    ],
  ])('rejects with TimeoutError after %s', async (_case, answer) => {
    const client = await gateway(ACCEPTED, { timeout: 50 });
    server.answer = (_request, response) => void answer(response);
    await expect(client.cancel({ pushId: '1' })).rejects.toThrow(TimeoutError);
  });

  it('closes the connection to a gateway whose answer is not PAP, and has no end', async () => {
    const client = await gateway(ACCEPTED);
    const closed = new Promise((resolve) => {
      server.answer = (_request, response) => {
        response.once('close', resolve).writeHead(200, { 'content-type': 'text/html' }).write('<html>');
      };
    });
    await expect(client.cancel({ pushId: '1' })).rejects.toThrow(MalformedError);
    await closed;
  });

  it('P23-PPG-01: shows its certificate, and trusts the authorities of its options', async () => {
    const certificates = await makeCertificates();
    const { ca, cert, key } = certificates;
    const secure = createTlsServer(
      { ca, cert, key, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        request.resume();
        send(response, { kind: 'cancel-response', pushId: '1', results: [{ code: 1000, addresses: [] }] });
      },
    );
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/pap`;
    server = await TestHttpServer.start(() => {});
    try {
      const client = new PapClient({ url, tls: { ca, cert, key } });
      expect((await client.cancel({ pushId: '1' })).results).toMatchObject([{ code: 1000 }]);
      await expect(new PapClient({ url, tls: { ca } }).cancel({ pushId: '1' })).rejects.toThrow(
        TransportError,
      );
      await expect(new PapClient({ url }).cancel({ pushId: '1' })).rejects.toThrow(TransportError);
    } finally {
      secure.closeAllConnections();
      secure.close();
      await certificates.remove();
    }
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const client = await gateway(ACCEPTED, { signal: controller.signal });
    server.answer = () => controller.abort(new Error('stopped'));
    await expect(client.cancel({ pushId: '1' })).rejects.toThrow('stopped');
  });
});
