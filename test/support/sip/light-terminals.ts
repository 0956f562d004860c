/** Many light terminals: raw SIP over a few connections, with one binding each, accepting every MESSAGE. */

import { RawSipPeer } from './raw-sip.js';
import { openStream } from './raw-wire.js';

export interface LightTerminal {
  /** `sip:user17@domain.test` */
  user: string;
  /** `urn:uuid:…` */
  instanceId: string;
  /** Values of `+g.oma.pusheventapp`. */
  apps: string;
}

/** Unanswered requests at a time on each connection. */
const CONCURRENT = 10;

export class LightTerminals {
  private constructor(
    private readonly peers: readonly RawSipPeer[],
    /** TCP port of the core. */
    private readonly port: number,
  ) {}

  static async open(port: number, connections: number): Promise<LightTerminals> {
    const opening = Array.from({ length: connections }, () =>
      RawSipPeer.open((onMessage) => openStream(port, onMessage)),
    );
    return new LightTerminals(await Promise.all(opening), port);
  }

  /** Registers the terminals, or de-registers them with 0 seconds. @returns the status for each. */
  async register(terminals: readonly LightTerminal[], seconds: number): Promise<number[]> {
    const statuses = await Promise.all(
      this.peers.map(async (peer, index) => {
        const mine = terminals.filter((_, at) => at % this.peers.length === index);
        const queue = mine.entries();
        const found: number[] = [];
        const work = async () => {
          for (const [at, terminal] of queue) found[at] = await this.#register(peer, terminal, seconds);
        };
        await Promise.all(Array.from({ length: CONCURRENT }, work));
        return found;
      }),
    );
    return statuses.flat();
  }

  /** Number of received MESSAGEs by the user part of the Contact. */
  messages(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { method, startLine } of this.peers.flatMap(({ requests }) => requests)) {
      const name = /sip:([^@]+)@/.exec(startLine)?.[1] ?? '';
      if (method === 'MESSAGE') counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  clear(): void {
    for (const peer of this.peers) peer.clear();
  }

  close(): void {
    for (const peer of this.peers) peer.close();
  }

  async #register(peer: RawSipPeer, terminal: LightTerminal, seconds: number): Promise<number> {
    const { user, instanceId, apps } = terminal;
    const features = `+sip.instance="<${instanceId}>";+g.oma.pusheventapp="${apps}"`;
    const answer = await peer.send(this.port, {
      method: 'REGISTER',
      uri: 'sip:domain.test',
      from: user,
      to: user,
      headers: [
        `Contact: ${peer.contact(nameOf(terminal))};${features}`,
        `Expires: ${seconds}`,
        'Require: pref',
        'Supported: gruu, path',
      ],
    });
    return answer.status;
  }
}

/** The user part of the Contact of a terminal. */
export function nameOf({ instanceId }: LightTerminal): string {
  return instanceId.slice('urn:uuid:'.length);
}
