/** A thousand users with a terminal each, and one user with ten: the sender knows all terminals, and pushes to all at once. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import type { PushSenderAgent } from '../../core/sender/sender.js';
import { isRequest } from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { type Network, startNetwork } from '../../sdk/network/index.js';
import { PSA, startSender } from '../support/agents/agents.js';
import { freePort } from '../support/programs/ports.js';
import { type LightTerminal, LightTerminals, nameOf } from '../support/sip/light-terminals.js';
import { eventually } from '../support/wait.js';

const USERS = 1000;
/** The number of contacts that the core keeps for one user. */
const OF_ONE = 10;
const OUTSTANDING = 100;
const CONNECTIONS = 10;
const MANY = 'sip:many@domain.test';
const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello'));

const terminal = (user: string): LightTerminal => ({
  user,
  instanceId: `urn:uuid:${randomUUID()}`,
  apps: 'mms.ua',
});
const singles = Array.from({ length: USERS }, (_, index) => terminal(`sip:user${index}@domain.test`));
const several = Array.from({ length: OF_ONE }, () => terminal(MANY));
const all = [...singles, ...several];
const leaving = singles.filter((_, index) => index % 3 === 0);
const staying = all.filter((each) => !leaving.includes(each));

/** The largest number of MESSAGEs that waited for their response. */
class Outstanding {
  readonly #waiting = new Set<string>();
  most = 0;

  readonly see: WireObserver = (direction, bytes) => {
    if (!Buffer.from(bytes).includes(' MESSAGE\r\n')) return;
    const message = parseMessage(bytes);
    const branch = message.headers.via?.branch ?? '';
    if (direction === 'out' && isRequest(message)) this.#waiting.add(branch);
    else if (!isRequest(message) && message.status >= 200) this.#waiting.delete(branch);
    this.most = Math.max(this.most, this.#waiting.size);
  };
}

describe('a thousand terminals', () => {
  const outstanding = new Outstanding();
  let network: Network;
  let sender: PushSenderAgent;
  let terminals: LightTerminals;

  beforeAll(async () => {
    const listen = `sip:127.0.0.1:${await freePort()};transport=udp`;
    network = await startNetwork({ applicationServers: { [PSA]: listen }, thirdPartyRegistration: [PSA] });
    const [udp = '', tcp = ''] = network.uris;
    sender = await startSender({ servers: [udp], listen, outstanding: OUTSTANDING, onWire: outstanding.see });
    terminals = await LightTerminals.open(Number(/:(\d+);/.exec(tcp)?.[1]), CONNECTIONS);
  });
  afterAll(async () => {
    terminals.close();
    await sender.stop();
    await network.close();
  });

  const registered = () =>
    new Set([...sender.directory.all()].flatMap((each) => (each.registered ? (each.instanceId ?? '') : [])));
  const idsOf = (some: readonly LightTerminal[]) => new Set(some.map(({ instanceId }) => instanceId));
  /** Waits until the directory has this number of terminals, and expects exactly these. */
  const known = async (some: readonly LightTerminal[]) => {
    await eventually(
      `${some.length} registered terminals`,
      () => registered().size === some.length || undefined,
    );
    expect(registered()).toEqual(idsOf(some));
  };
  const push = async () => {
    terminals.clear();
    const users = [...singles.map(({ user }) => user), MANY];
    return (await Promise.all(users.map((to) => sender.send({ to, app: 'mms.ua', content })))).flat();
  };
  const oneEach = (some: readonly LightTerminal[]) => new Map(some.map((each) => [nameOf(each), 1]));

  it('B.1.1, B.1.2, E.1.2-01: are in the directory after they registered, with GRUU and applications', async () => {
    expect(new Set(await terminals.register(all, 600))).toEqual(new Set([200]));
    await known(all);
    for (const { gruu, apps } of sender.directory.all()) {
      expect(gruu).toMatch(/;gr=urn:uuid:/);
      expect(apps).toEqual(['mms.ua']);
    }
  });

  it('AD-5.3.1-7: get one push each, within the limit of concurrent requests', async () => {
    const receipts = await push();
    expect(receipts).toHaveLength(all.length);
    expect(new Set(receipts.map(({ outcome, status }) => `${outcome} ${status}`))).toEqual(
      new Set(['delivered 200']),
    );
    expect(new Set(receipts.map(({ terminal }) => terminal)).size).toBe(all.length);
    expect(terminals.messages()).toEqual(oneEach(all));
    expect(outstanding.most).toBe(OUTSTANDING);
  });

  it('9-04: get no push after they de-registered', async () => {
    expect(new Set(await terminals.register(leaving, 0))).toEqual(new Set([200]));
    await known(staying);
    const receipts = await push();
    const failed = receipts.filter(({ outcome }) => outcome === 'failed');
    expect(failed).toHaveLength(leaving.length);
    expect(new Set(failed.map(({ reason }) => reason))).toEqual(new Set(['the terminal is not registered']));
    expect(receipts.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(staying.length);
    expect(terminals.messages()).toEqual(oneEach(staying));
  });
});
