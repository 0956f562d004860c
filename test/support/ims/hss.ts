/** A Home Subscriber Server in this process: the Cx interface (3GPP TS 29.228, TS 29.229) over Diameter. */

import { createServer, type Server, type Socket } from 'node:net';
import { type Avps, avp, cx, DiameterReader, encodeMessage, identifiersOf, VENDOR } from './diameter.js';
import type { Subscriber } from './subscriber.js';

const APPLICATION = 16777216;
const COMMANDS = { CER: 257, DWR: 280, DPR: 282, UAR: 300, SAR: 301, LIR: 302, MAR: 303, RTR: 304 } as const;
const SUCCESS = 2001;
/** Experimental-Result (TS 29.229 §6.2). */
const RESULTS = {
  firstRegistration: 2001,
  subsequentRegistration: 2002,
  unregisteredService: 2003,
  userUnknown: 5001,
  identitiesDoNotMatch: 5002,
  notRegistered: 5003,
  schemeNotSupported: 5006,
} as const;
/** Server-Assignment-Type (TS 29.229 §6.3.15). */
const UNREGISTERED_USER = 3;
const ENDING = new Set([4, 5, 6, 7, 8, 11]);
const SERVER_KEPT = new Set([6, 7]);
const FAILED = new Set([9, 10]);
const SCHEMES = new Set(['Digest-AKAv1-MD5', 'Unknown']);

interface Answer {
  result?: number;
  experimental?: number;
  avps?: readonly Uint8Array[];
}

export interface HssOptions {
  realm: string;
  subscribers: readonly Subscriber[];
  /** Application server of each public service identity. */
  services: Readonly<Record<string, string>>;
  /** URI of the S-CSCF. */
  scscf: string;
}

export class Hss {
  /** Names of the connected peers, e.g. `scscf.ims.test`. */
  readonly peers = new Map<string, Socket>();
  /** Numbers of resynchronised UICCs. */
  resynchronisations = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #id = 1;

  private constructor(private readonly options: HssOptions) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(port: number, options: HssOptions): Promise<Hss> {
    const hss = new Hss(options);
    await new Promise<void>((resolve, reject) => {
      hss.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return hss;
  }

  /** Network-initiated de-registration of all identities (TS 29.228 §6.1.3): a Registration-Termination-Request. */
  deregister(impu: string): void {
    const subscriber = this.#find('', impu);
    const [name, socket] = [...this.peers].find(([peer]) => peer.startsWith('scscf')) ?? [];
    if (!subscriber?.server || !name || !socket) throw new Error(`${impu} has no S-CSCF`);
    const id = this.#id++;
    const message = {
      request: true,
      proxiable: true,
      command: COMMANDS.RTR,
      identifiers: identifiersOf(APPLICATION, id),
    };
    socket.write(
      encodeMessage(message, [
        ...this.#session(`localhost;${id}`),
        ...[avp(293, name), avp(283, this.options.realm), avp(1, subscriber.impi)],
        ...subscriber.impus.map((each) => cx(601, each)),
        // PERMANENT_TERMINATION.
        cx(615, [cx(616, 0)]),
      ]),
    );
    subscriber.server = '';
    subscriber.registered = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const reader = new DiameterReader();
    let queue = Promise.resolve();
    let name = '';
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.peers.get(name) === socket) this.peers.delete(name);
    });
    socket.on('data', (bytes) => {
      for (const { request, proxiable, command, identifiers, avps } of reader.read(bytes)) {
        if (!request) continue;
        // In order, because an answer awaits the cipher.
        queue = queue.then(async () => {
          const answer = await this.#answer(command, avps);
          if (socket.destroyed) return;
          socket.write(encodeMessage({ request: false, proxiable, command, identifiers }, answer));
          if (command !== COMMANDS.CER) return;
          name = avps.text(264);
          this.peers.set(name, socket);
        });
      }
    });
  }

  async #answer(command: number, asked: Avps): Promise<readonly Uint8Array[]> {
    const origin = [avp(264, 'localhost'), avp(296, this.options.realm)];
    if (command === COMMANDS.CER) {
      const application = avp(260, [avp(266, VENDOR), avp(258, APPLICATION)]);
      const address = Buffer.from([0, 1, 127, 0, 0, 1]);
      const self = [avp(257, address), avp(266, VENDOR), avp(269, 'HSS'), avp(265, VENDOR), application];
      return [avp(268, SUCCESS), ...origin, ...self];
    }
    if (command === COMMANDS.DWR || command === COMMANDS.DPR) return [avp(268, SUCCESS), ...origin];
    const { result, experimental = 0, avps = [] } = await this.#cx(command, asked);
    const outcome = result ? avp(268, result) : avp(297, [avp(266, VENDOR), avp(298, experimental)]);
    return [...this.#session(asked.text(263)), outcome, ...avps];
  }

  #session(id: string): Uint8Array[] {
    return [
      avp(263, id),
      avp(260, [avp(266, VENDOR), avp(258, APPLICATION)]),
      avp(277, 1),
      avp(264, 'localhost'),
      avp(296, this.options.realm),
    ];
  }

  async #cx(command: number, asked: Avps): Promise<Answer> {
    const impu = asked.text(601);
    if (command === COMMANDS.LIR) return this.#location(impu);
    const subscriber = this.#find(asked.text(1), impu);
    if (!subscriber) return { experimental: RESULTS.userUnknown };
    if (impu && !subscriber.impus.includes(impu)) return { experimental: RESULTS.identitiesDoNotMatch };
    if (command === COMMANDS.UAR) return this.#authorization(subscriber, asked);
    if (command === COMMANDS.MAR) return await this.#authentication(subscriber, asked);
    return this.#assignment(subscriber, asked);
  }

  #find(impi: string, impu: string): Subscriber | undefined {
    return this.options.subscribers.find((each) =>
      impi === '' ? each.impus.includes(impu) : each.impi === impi,
    );
  }

  #authorization({ server }: Subscriber, asked: Avps): Answer {
    const deregisters = asked.number(623) === 1;
    if (deregisters && !server) return { experimental: RESULTS.notRegistered };
    if (server) return { experimental: RESULTS.subsequentRegistration, avps: [cx(602, server)] };
    return { experimental: RESULTS.firstRegistration, avps: [this.#capabilities()] };
  }

  #location(impu: string): Answer {
    const service = this.options.services[impu];
    if (service !== undefined) return { result: SUCCESS, avps: [cx(602, service)] };
    const subscriber = this.#find('', impu);
    if (!subscriber) return { experimental: RESULTS.userUnknown };
    if (subscriber.server) return { result: SUCCESS, avps: [cx(602, subscriber.server)] };
    return { experimental: RESULTS.unregisteredService, avps: [this.#capabilities()] };
  }

  #capabilities(): Uint8Array {
    return cx(603, [cx(602, this.options.scscf)]);
  }

  async #authentication(subscriber: Subscriber, asked: Avps): Promise<Answer> {
    const item = asked.group(612);
    if (!SCHEMES.has(item.text(608))) return { experimental: RESULTS.schemeNotSupported };
    const authorization = item.bytes(610);
    if (authorization) {
      const adopted = await subscriber.resynchronise(
        authorization.subarray(0, 16),
        authorization.subarray(16),
      );
      if (adopted) this.resynchronisations++;
    }
    subscriber.server = asked.text(602);
    const { challenge, xres, ck, ik } = await subscriber.vector();
    const vector = [cx(613, 1), cx(608, 'Digest-AKAv1-MD5'), cx(609, challenge), cx(610, xres), cx(625, ck)];
    return {
      result: SUCCESS,
      avps: [
        avp(1, subscriber.impi),
        cx(601, asked.text(601)),
        cx(607, 1),
        cx(612, [...vector, cx(626, ik)]),
      ],
    };
  }

  #assignment(subscriber: Subscriber, asked: Avps): Answer {
    const type = asked.number(614) ?? 0;
    const identity = avp(1, subscriber.impi);
    if (ENDING.has(type)) {
      subscriber.registered = false;
      if (!SERVER_KEPT.has(type)) subscriber.server = '';
    } else if (FAILED.has(type)) {
      if (!subscriber.registered) subscriber.server = '';
    } else {
      subscriber.registered = type !== UNREGISTERED_USER;
      subscriber.server = asked.text(602);
      return { result: SUCCESS, avps: [identity, cx(606, subscriber.profile())] };
    }
    return { result: SUCCESS, avps: [identity] };
  }
}
