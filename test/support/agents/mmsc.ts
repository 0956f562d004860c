/** An MMSC on loopback: serves messages by HTTP as the test decides, and records posted PDUs. */

import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
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

/** Writes the response to a GET. */
export type MmscAnswer = (response: ServerResponse, pdu: Uint8Array) => void;

export interface Posted {
  readonly path: string;
  readonly contentType: string | undefined;
  /** `M-NotifyResp.ind` */
  readonly pdu: string;
  readonly fields: object;
}

export class Mmsc {
  /** Paths of the received GETs. */
  readonly retrievals: string[] = [];
  readonly posted: Posted[] = [];
  /** Headers of all requests, in order. */
  readonly headers: IncomingHttpHeaders[] = [];
  /** Responses to the next GETs; later GETs get the message. */
  answers: MmscAnswer[] = [];
  /** Statuses for the next POSTs, 0 for no response; later POSTs get 200. */
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

  /** Stores a message at `/ID`. @returns its notification. */
  store(id: string, pdu: Uint8Array, more: Partial<MmsNotification> = {}): Uint8Array {
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

  /** Breaks all connections and stops listening, like a killed process. @returns a function that restarts the server. */
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
      // A killed client interrupts its POST.
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = '/' } = request;
    this.headers.push(request.headers);
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

/** The complete message. */
export const whole: MmscAnswer = (response, pdu) => {
  head(response, pdu).end(pdu);
};

/** Half of the message, and the rest when `gate` resolves. */
export function halfUntil(gate: Promise<unknown>): MmscAnswer {
  return async (response, pdu) => {
    const middle = pdu.length >> 1;
    head(response, pdu).write(pdu.subarray(0, middle));
    await gate;
    response.end(pdu.subarray(middle));
  };
}

/** The message in small pieces, as over a slow network. */
export const inPieces: MmscAnswer = (response, pdu) => {
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

/** Closes the connection in the middle of the message. */
export const broken: MmscAnswer = (response, pdu) => {
  head(response, pdu).write(pdu.subarray(0, pdu.length >> 1), () => response.destroy());
};

/** Half of the message, as a complete response. */
export const half: MmscAnswer = (response, pdu) => {
  response.writeHead(200, { 'content-type': TYPE }).end(pdu.subarray(0, pdu.length >> 1));
};

/** No response. */
export const silent: MmscAnswer = () => {};

export function status(code: number, headers: Record<string, string> = {}): MmscAnswer {
  return (response) => response.writeHead(code, headers).end();
}

export function otherBody(body: string | Uint8Array, contentType = TYPE): MmscAnswer {
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

/** An M-Retrieve.conf with the parts. */
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

/** A picture of this number of octets, and a text. */
export function pictureAndText(octets: number): Part[] {
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

/** The description of a part in the event `message`. */
export function partInEvent({ type, body }: Part, name: string) {
  return { contentType: type.type, name, size: body.length, sha256: platform.hash('sha-256', body) };
}
