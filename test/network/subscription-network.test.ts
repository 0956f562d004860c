/** A subscriber of this package and the embedded network, over real sockets. */

import { afterEach, describe, expect, it } from 'vitest';
import { contactInstanceId, contactParameter, REGINFO_TYPE } from '../../core/content/reginfo.js';
import { readReginfo } from '../../core/content/reginfo-reader.js';
import { RegistrationTable } from '../../core/content/registration-table.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import type { SubscriptionStatus } from '../../core/sip/subscription/subscription-state.js';
import { SipUserAgent } from '../../core/sip/user-agent.js';
import { type Network, type NetworkOptions, startNetwork } from '../../sdk/network/index.js';
import { freePort } from '../support/programs/ports.js';
import { until } from '../support/wait.js';

const ONE = 'urn:uuid:00000000-0000-4000-8000-000000000001';
const TWO = 'urn:uuid:00000000-0000-4000-8000-000000000002';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function network(options: NetworkOptions = {}): Promise<Network> {
  const started = await startNetwork(options);
  closing.push(() => started.close());
  return started;
}

async function terminal(
  servers: readonly string[],
  user: string,
  instanceId = `urn:uuid:${crypto.randomUUID()}`,
) {
  const agent = new SipUserAgent({
    identity: `sip:${user}@domain.test`,
    servers,
    product: 'test/1',
    methods: ['MESSAGE'],
    accept: () => [],
    onRequest: ({ request, respond }) => respond(buildResponse(request, 200)),
    registration: {
      instanceId,
      expires: 600,
      headers: [],
      features: () => ['+g.oma.pusheventapp="mms.ua"'],
    },
  });
  closing.push(() => agent.stop());
  await agent.start();
  await until(() => expect(agent.registration?.state).toBeDefined());
  return agent;
}

/** The terminals of one user as a sender sees them. */
function watch(agent: SipUserAgent, uri: string) {
  const table = new RegistrationTable();
  const states: SubscriptionStatus[] = [];
  const orders: string[] = [];
  const subscription = agent.subscribe(
    { uri, event: 'reg', accept: [REGINFO_TYPE], expires: 600 },
    {
      onNotify: (body) => {
        if (body.length > 0) orders.push(table.apply(readReginfo(body)).order);
      },
      onState: (status) => {
        states.push(status);
        if (status.state === 'lost') table.restart();
      },
    },
  );
  const users = () => table.contacts.map(({ contact }) => contactInstanceId(contact)).sort();
  return { table, states, orders, subscription, users };
}

async function sender(servers: readonly string[], listen?: string) {
  const registers: string[] = [];
  const agent = new SipUserAgent({
    identity: 'sip:psa@domain.test',
    servers,
    product: 'test/1',
    methods: ['REGISTER'],
    accept: () => [],
    listen,
    onRequest: (transaction) => {
      const { headers } = transaction.request;
      registers.push(`${headers.get('To')} ${headers.get('Expires')}`);
      transaction.respond(buildResponse(transaction.request, 200));
    },
  });
  closing.push(() => agent.stop());
  await agent.start();
  return { agent, registers };
}

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  const server = ({ uris }: Network) => uris.filter((uri) => uri.endsWith(transport));

  it('B.1.3: reports to a sender which terminals register and de-register', async () => {
    const core = await network();
    const { agent } = await sender(server(core));
    const bob = watch(agent, 'sip:bob@domain.test');
    await until(() => expect(bob.states).toMatchObject([{ state: 'active' }]));
    const first = await terminal(server(core), 'bob', ONE);
    await terminal(server(core), 'bob', TWO);
    await until(() => expect(bob.users()).toEqual([ONE, TWO]));
    const known = bob.table.contacts.find(({ contact }) => contactInstanceId(contact) === ONE);
    expect(known && contactParameter(known.contact, '+g.oma.pusheventapp')).toBe('mms.ua');
    expect(known?.contact.publicGruu).toBe(first.registration?.publicGruu);
    await first.stop();
    await until(() => expect(bob.users()).toEqual([TWO]));
    bob.subscription.refresh();
    await until(() => expect(bob.orders.length).toBeGreaterThanOrEqual(5));
    expect(new Set(bob.orders)).toEqual(new Set(['next']));
    await bob.subscription.close();
  });

  it('subscribes again to a network that has lost its state', async () => {
    const port = await freePort();
    const uri = `sip:127.0.0.1:${port};transport=${transport}`;
    const first = await startNetwork({ listen: [uri] });
    const { agent } = await sender([uri]);
    const bob = watch(agent, 'sip:bob@domain.test');
    await until(() => expect(bob.states).toMatchObject([{ state: 'active' }]));
    await first.close();
    await network({ listen: [uri] });
    // A new connection refreshes the subscription; over UDP the loss is not noticed.
    if (transport === 'udp') bob.subscription.refresh();
    await until(() => expect(bob.states.at(-1)).toMatchObject({ state: 'lost', status: 481 }));
    await until(() => expect(bob.states.at(-1)).toMatchObject({ state: 'active' }));
  });
});

it('B.1.1, B.1.2: a third-party REGISTER leads to a subscription', async () => {
  const port = await freePort();
  const at = `sip:127.0.0.1:${port};transport=udp`;
  const core = await network({
    users: { bob: { password: 'x' } },
    applicationServers: { 'sip:psa@domain.test': at },
    thirdPartyRegistration: ['sip:psa@domain.test'],
    listen: ['sip:127.0.0.1:0;transport=udp'],
  });
  const { agent, registers } = await sender(core.uris, at);
  const bob = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: core.uris,
    credentials: { username: 'bob', password: 'x' },
    product: 'test/1',
    methods: [],
    accept: () => [],
    onRequest: () => {},
    registration: { instanceId: ONE, expires: 600, headers: [], features: () => [] },
  });
  closing.push(() => bob.stop());
  await bob.start();
  await until(() => expect(registers).toEqual(['<sip:bob@domain.test> 600']));
  const watched = watch(agent, 'sip:bob@domain.test');
  await until(() => expect(watched.users()).toEqual([ONE]));
  await bob.stop();
  await until(() => expect(registers.at(-1)).toBe('<sip:bob@domain.test> 0'));
  await until(() => expect(watched.users()).toEqual([]));
});

it('reports sixty terminals, and the third terminal when it de-registers', async () => {
  const core = await network();
  const tcp = core.uris.filter((uri) => uri.endsWith('tcp'));
  const { agent } = await sender(tcp);
  const names = Array.from({ length: 60 }, (_, index) => `u${index}`);
  const watched = names.map((name) => watch(agent, `sip:${name}@domain.test`));
  const terminals = await Promise.all(names.map((name) => terminal(tcp, name)));
  const countRegistered = () => watched.filter(({ users }) => users().length > 0).length;
  await until(() => expect(countRegistered()).toBe(60));
  await Promise.all(terminals.slice(0, 20).map((each) => each.stop()));
  await until(() => expect(countRegistered()).toBe(40));
});
