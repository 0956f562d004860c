import { describe, expect, it } from 'vitest';
import type { DigestAlgorithm } from '../../core/sip/authentication/digest-challenger.js';
import { identitiesOf, MemoryNetwork } from './memory-network.js';

const BOB = 'sip:bob@domain.test';
const PSA = 'sip:psa@domain.test';

const users = {
  bob: { password: 'b', identities: ['sip:bob@domain.test', 'sip:robert@domain.test', 'tel:+1-555-0100'] },
  alice: { password: 'a' },
  psa: { password: 'p' },
};
const asPsa = { username: 'psa', password: 'p' };
const FALSE_IDENTITY = 'P-Asserted-Identity: <sip:president@domain.test>';

async function withBob(
  options: { trustedPeers?: string[]; applicationServers?: Record<string, string> } = {},
) {
  const network = new MemoryNetwork({ users, ...options });
  return { network, bob: await network.device(4001, { password: 'b' }) };
}

describe('P-Asserted-Identity (RFC 3325)', () => {
  it('answers 407 to a user on another flow, and asserts the identity after authentication', async () => {
    const { network, bob } = await withBob();
    const sender = network.peer(5000);
    const challenged = await sender.send('MESSAGE', BOB, { headers: [FALSE_IDENTITY] });
    expect(challenged.status).toBe(407);
    expect(challenged.headers.getAll('Proxy-Authenticate')).toHaveLength(2);
    const sent = await sender.send('MESSAGE', BOB, { password: asPsa, headers: [FALSE_IDENTITY] });
    expect(sent.status).toBe(200);
    const [request] = bob.requests;
    if (!request) throw new Error('nothing came');
    expect(identitiesOf(request)).toEqual([`<${PSA}>`]);
    expect(request.headers.has('Proxy-Authorization')).toBe(false);
  });

  it('challenges with the algorithms of the option, in its order', async () => {
    const network = new MemoryNetwork({ users, digest: ['md5', 'sha-256'] });
    const { headers } = await network.peer(5000).send('MESSAGE', BOB);
    const challenges = headers.getAll('Proxy-Authenticate');
    expect(challenges.map((each) => /algorithm=([^,]+)/.exec(each)?.[1])).toEqual(['MD5', 'SHA-256']);
    expect(
      (await network.peer(5001).send('MESSAGE', 'sip:alice@domain.test', { password: asPsa })).status,
    ).toBe(480);
    for (const digest of [[], ['md5', 'md5'], ['sha-1']] as unknown as DigestAlgorithm[][])
      expect(() => new MemoryNetwork({ digest })).toThrow(
        /invalid digest .*expected some of sha-512-256, sha-256, md5/,
      );
  });

  it('does not accept the credentials of another user', async () => {
    const { network, bob } = await withBob();
    const from = 'sip:alice@domain.test';
    const preferred = ['P-Preferred-Identity: <sip:alice@domain.test>'];
    await network.peer(5000).send('MESSAGE', BOB, { from, password: asPsa, headers: preferred });
    expect(bob.requests.map(identitiesOf)).toEqual([[`<${PSA}>`]]);
    const wrong = { username: 'psa', password: 'x' };
    expect((await network.peer(5001).send('MESSAGE', BOB, { password: wrong })).status).toBe(407);
  });

  it('needs no challenge on the flow of a registration, and P-Preferred-Identity selects among the identities of the user', async () => {
    const { network, bob } = await withBob();
    const alice = await network.device(4002, { user: 'alice', password: 'a' });
    const send = async (...headers: string[]) => {
      const response = await bob.send('MESSAGE', 'sip:alice@domain.test', { from: BOB, headers });
      expect(response.status).toBe(200);
      return identitiesOf(alice.requests.at(-1) ?? response);
    };
    expect(await send()).toEqual([`<${BOB}>`]);
    expect(await send('P-Preferred-Identity: <sip:robert@domain.test>')).toEqual([
      '<sip:robert@domain.test>',
    ]);
    expect(await send('P-Preferred-Identity: <sip:robert@domain.test>, <tel:+15550100>')).toEqual([
      '<sip:robert@domain.test>',
      '<tel:+15550100>',
    ]);
    expect(await send('P-Preferred-Identity: <sip:alice@domain.test>')).toEqual([`<${BOB}>`]);
    expect(alice.requests.at(-1)?.headers.has('P-Preferred-Identity')).toBe(false);
  });

  it('asserts the user of a registered flow for an anonymous From', async () => {
    const { network, bob } = await withBob();
    const alice = await network.device(4002, { user: 'alice', password: 'a' });
    const from = 'sip:anonymous@anonymous.invalid';
    await bob.send('MESSAGE', 'sip:alice@domain.test', { from });
    expect(alice.requests.map(identitiesOf)).toEqual([[`<${BOB}>`]]);
    await bob.send('MESSAGE', 'sip:alice@domain.test', { from, headers: ['Privacy: id'] });
    expect(alice.requests.map(identitiesOf)[1]).toEqual([]);
  });

  it('9-02: trusts the assertion of a peer by address and port', async () => {
    const { network, bob } = await withBob({ trustedPeers: ['127.0.0.1:5080'] });
    const headers = [`P-Asserted-Identity: <sip:news@partner.test>`];
    await network.peer(5080).send('MESSAGE', BOB, { headers });
    expect(bob.requests.map(identitiesOf)).toEqual([['<sip:news@partner.test>']]);
    expect((await network.peer(5081).send('MESSAGE', BOB, { headers })).status).toBe(407);
  });

  it('trusts an application server on its transport only', async () => {
    const applicationServers = { [PSA]: 'sip:127.0.0.1:5080;transport=udp' };
    const { network, bob } = await withBob({ applicationServers });
    const headers = [`P-Asserted-Identity: <${PSA}>`];
    expect((await network.peer(5080, 'UDP').send('MESSAGE', BOB, { headers })).status).toBe(200);
    expect(bob.requests.map(identitiesOf)).toEqual([[`<${PSA}>`]]);
    expect((await network.peer(5080, 'TCP').send('MESSAGE', BOB, { headers })).status).toBe(407);
  });

  it('forwards a request from an unknown source without an identity', async () => {
    const { network, bob } = await withBob();
    const headers = [FALSE_IDENTITY, 'P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.omapush'];
    const response = await network.peer(5000).send('MESSAGE', BOB, { from: 'sip:eve@evil.test', headers });
    expect(response.status).toBe(200);
    expect(bob.requests.map(identitiesOf)).toEqual([[]]);
    expect(bob.requests[0]?.headers.has('P-Asserted-Service')).toBe(false);
  });

  it('D-01: turns the preferred service of a user into the asserted one (RFC 6050)', async () => {
    const { network, bob } = await withBob();
    const service = 'urn:urn-7:3gpp-service.ims.icsi.omapush';
    await network.peer(5000).send('MESSAGE', BOB, {
      password: asPsa,
      headers: [`P-Preferred-Service: ${service}`],
    });
    expect(bob.requests[0]?.headers.getAll('P-Asserted-Service')).toEqual([service]);
    expect(bob.requests[0]?.headers.has('P-Preferred-Service')).toBe(false);
  });

  it('asserts the identity of the device that answers, whatever it claims', async () => {
    const { network, bob } = await withBob();
    bob.answer = (request) => {
      bob.respond(request, 200, [
        ['P-Asserted-Identity', '<sip:president@domain.test>'],
        ['P-Preferred-Identity', '<tel:+15550100>'],
      ]);
      return [];
    };
    const response = await network.peer(5000).send('MESSAGE', BOB, { password: asPsa });
    expect(identitiesOf(response)).toEqual(['<tel:+15550100>']);
  });

  it('accepts every identity without users', async () => {
    const network = new MemoryNetwork();
    const bob = await network.device(4001);
    await network.peer(5000).send('MESSAGE', BOB, { headers: [FALSE_IDENTITY] });
    expect(bob.requests.map(identitiesOf)).toEqual([[`<${PSA}>`]]);
  });

  it('trusts no flow of a registration through a proxy (Path)', async () => {
    const network = new MemoryNetwork({ users });
    const edge = await network.device(4001, { password: 'b', headers: ['Path: <sip:edge.test;lr>'] });
    expect((await edge.send('MESSAGE', 'sip:alice@domain.test', { from: BOB })).status).toBe(407);
  });
});
