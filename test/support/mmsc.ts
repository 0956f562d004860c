/** An MMSC of loopback: messages to be retrieved by HTTP, in whatever way a test says, and what it is posted. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  decodeAcknowledge,
  decodeNotifyResponse,
  decodeReadByRecipient,
  encodeMultipart,
  encodeNotification,
  encodeRetrieval,
  type MmsNotification,
  type MmsRetrieval,
  mmsMessageType,
  type Part,
} from 'sip-push/formats';
import { platform } from '#platform';

const TYPE = 'application/vnd.wap.mms-message';

/** How one GET is answered. */
export type MmscAnswer = (response: ServerResponse, pdu: Uint8Array) => void;

export interface Posted {
  readonly path: string;
  readonly contentType: string | undefined;
  /** `M-NotifyResp.ind` */
  readonly pdu: string;
  readonly fields: object;
}

export class Mmsc {
  /** Paths, one for each GET. */
  readonly retrievals: string[] = [];
  readonly posted: Posted[] = [];
  /** The next GETs, in order; after them each is answered with its message. */
  answers: MmscAnswer[] = [];
  /** The next POSTs, in order; 0: it takes what is posted, and says nothing. After them each is answered 200. */
  postStatuses: number[] = [];
  readonly #messages = new Map<string, Uint8Array>();
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Mmsc> {
    const mmsc = new Mmsc(createServer());
    await mmsc.#listen(0);
    return mmsc;
  }

  get port(): number {
    const { port } = this.#server.address() as AddressInfo;
    return port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** @returns the notification of the message, which waits at `/ID`. */
  keep(id: string, pdu: Uint8Array, more: Partial<MmsNotification> = {}): Uint8Array {
    this.#messages.set(`/${id}`, pdu);
    return encodeNotification({
      transactionId: id,
      version: '1.2',
      from: '+15550100/TYPE=PLMN',
      messageClass: 'personal',
      messageSize: pdu.length,
      expiry: { seconds: 86_400 },
      contentLocation: this.url(`/${id}`),
      ...more,
    });
  }

  /** As a process that is killed: every connection breaks, nobody listens. @returns what brings it back. */
  async kill(): Promise<() => Promise<void>> {
    const { port } = this;
    await this.close();
    return () => this.#listen(port);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #listen(port: number): Promise<void> {
    this.#server = createServer((request, response) => {
      response.on('error', () => {});
      // A client that is killed breaks off what it posts.
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = '/' } = request;
    if (method === 'POST') {
      const octets = await buffer(request);
      const status = this.postStatuses.shift() ?? 200;
      if (status !== 0) response.writeHead(status).end();
      this.posted.push({ path, contentType: request.headers['content-type'], ...decoded(octets) });
      return;
    }
    this.retrievals.push(path);
    const pdu = this.#messages.get(path);
    if (!pdu) response.writeHead(404).end();
    else (this.answers.shift() ?? whole)(response, pdu);
  }
}

/** The message, as an MMSC that works sends it. */
export const whole: MmscAnswer = (response, pdu) => {
  head(response, pdu).end(pdu);
};

/** Half of the message and then, when `gate` opens, the rest. */
export function halfUntil(gate: Promise<unknown>): MmscAnswer {
  return async (response, pdu) => {
    const middle = pdu.length >> 1;
    head(response, pdu).write(pdu.subarray(0, middle));
    await gate;
    response.end(pdu.subarray(middle));
  };
}

/** A few octets at a time, as from far away. */
export const slowly: MmscAnswer = (response, pdu) => {
  head(response, pdu);
  const more = (offset: number) => {
    const end = offset + Math.ceil(pdu.length / 50);
    response.write(pdu.subarray(offset, end), () => {
      if (end < pdu.length) setImmediate(more, end);
      else response.end();
    });
  };
  more(0);
};

/** Breaks off in the middle. */
export const broken: MmscAnswer = (response, pdu) => {
  head(response, pdu).write(pdu.subarray(0, pdu.length >> 1), () => response.destroy());
};

/** Half of the message, as if it were all. */
export const half: MmscAnswer = (response, pdu) => {
  response.writeHead(200, { 'content-type': TYPE }).end(pdu.subarray(0, pdu.length >> 1));
};

/** Takes the request, and says nothing. */
export const silent: MmscAnswer = () => {};

export function status(code: number, headers: Record<string, string> = {}): MmscAnswer {
  return (response) => response.writeHead(code, headers).end();
}

export function instead(body: string | Uint8Array, contentType = TYPE): MmscAnswer {
  return (response) => response.writeHead(200, { 'content-type': contentType }).end(body);
}

function head(response: ServerResponse, pdu: Uint8Array): ServerResponse {
  return response.writeHead(200, { 'content-type': TYPE, 'content-length': pdu.length });
}

function decoded(octets: Uint8Array): { pdu: string; fields: object } {
  const pdu = mmsMessageType(octets);
  switch (pdu) {
    case 'M-NotifyResp.ind':
      return { pdu, fields: decodeNotifyResponse(octets) };
    case 'M-Acknowledge.ind':
      return { pdu, fields: decodeAcknowledge(octets) };
    case 'M-Read-Rec.ind':
      return { pdu, fields: decodeReadByRecipient(octets) };
    default:
      return { pdu, fields: {} };
  }
}

/** M-Retrieve.conf of these parts. */
export function retrievalOf(parts: readonly Part[], more: Partial<MmsRetrieval> = {}): Uint8Array {
  const type = { type: 'application/vnd.wap.multipart.mixed', parameters: {} };
  return encodeRetrieval({
    version: '1.2',
    messageId: 'message-1@mmsc.example',
    date: new Date('2025-12-31T12:00:00Z'),
    from: '+15550100/TYPE=PLMN',
    subject: 'Greetings',
    content: { type, body: encodeMultipart(type, parts) },
    ...more,
  });
}

/** A picture of so many octets, each different from its neighbours, and a text. */
export function beach(octets: number): Part[] {
  const picture = Uint8Array.from({ length: octets }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
  return [
    {
      type: { type: 'image/jpeg', parameters: {} },
      headers: [['Content-Location', 'beach.jpg']],
      body: picture,
    },
    {
      type: { type: 'text/plain', parameters: { charset: 'utf-8' } },
      headers: [['Content-ID', '<greeting>']],
      body: Buffer.from('Wish you were here'),
    },
  ];
}

/** How the event `message` tells of a part. */
export function toldOf({ type, body }: Part, name: string) {
  return { contentType: type.type, name, size: body.length, sha256: platform.hash('sha-256', body) };
}
