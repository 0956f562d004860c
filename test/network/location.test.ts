import { afterEach, describe, expect, it } from 'vitest';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { flowKey } from '../../sdk/network/flow-table.js';
import type { RegistrationRequest } from '../../sdk/network/registrar/binding.js';
import { TemporaryGruus } from '../../sdk/network/registrar/gruu.js';
import { LocationStore } from '../../sdk/network/registrar/location.js';
import { MemoryNetwork } from './memory-network.js';

const network = new MemoryNetwork();

function registering(
  user: number,
  contact: string,
  more: Partial<RegistrationRequest> = {},
): RegistrationRequest {
  const { flow } = network.peer(user, 'TCP', '10.0.0.1');
  const nameAddr = parseNameAddr(contact);
  if (!nameAddr) throw new Error('no Contact');
  return {
    username: `user${user}`,
    addressOfRecord: `sip:user${user}@domain.test`,
    callId: 'boot',
    cseq: 1,
    path: [],
    flow,
    flowKey: flowKey(flow),
    contacts: [{ contact: nameAddr, expires: 3600 }],
    ...more,
  };
}

describe('location store', () => {
  const stores: LocationStore[] = [];
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
  });
  function filled(users: number): LocationStore {
    const store = new LocationStore();
    stores.push(store);
    for (let user = 1; user <= users; user++) {
      store.register(registering(user, `<sip:u@10.0.0.1:${user}>;+sip.instance="<urn:uuid:${user}>"`));
    }
    return store;
  }

  it('finds each of a thousand users by name, device, number and flow, and none after all connections close', () => {
    const store = filled(1000);
    expect(store.size).toBe(1000);
    for (let user = 1; user <= 1000; user++) {
      const [binding] = store.bindingsOfDevice(`user${user}`, `urn:uuid:${user}`);
      expect(binding?.contact.uri).toBe(`sip:u@10.0.0.1:${user}`);
      if (!binding?.device) throw new Error('no device');
      expect(store.device(binding.device.number)).toBe(binding.device);
      store.flowClosed(binding.flowKey);
      expect(store.device(binding.device.number)).toBeUndefined();
    }
    expect([store.size, [...store.all()].length]).toEqual([0, 0]);
  });

  it('applies all changes of a REGISTER or none', () => {
    const store = filled(1);
    const first = parseNameAddr('<sip:u@10.0.0.1:1>');
    const second = parseNameAddr('<sip:new@10.0.0.2>');
    if (!first || !second) throw new Error('no Contact');
    const contacts = [
      { contact: second, expires: 60 },
      { contact: first, expires: 0 },
    ];
    expect(store.register(registering(1, '<sip:x@x>', { contacts }))).toBe('out of order');
    expect([...store.bindings('user1')].map(({ contact }) => contact.uri)).toEqual(['sip:u@10.0.0.1:1']);
    expect(store.register(registering(1, '<sip:x@x>', { contacts, cseq: 2 }))).toBeUndefined();
    expect([...store.bindings('user1')].map(({ contact }) => contact.uri)).toEqual(['sip:new@10.0.0.2']);
  });

  it('compares the UUID of an instance id case-insensitively', () => {
    const store = filled(0);
    store.register(registering(1, '<sip:a@10.0.0.1>;+sip.instance="<URN:UUID:ABCD>"'));
    expect(store.bindingsOfDevice('user1', 'urn:uuid:abcd')).toHaveLength(1);
  });
});

describe('temporary GRUUs (RFC 5627 appendix A.2)', () => {
  it('are unique, resolve to their registration, and cannot be forged', () => {
    const gruus = new TemporaryGruus();
    const minted = Array.from({ length: 100 }, () => gruus.mint(42));
    expect(new Set(minted).size).toBe(100);
    expect(minted.map((user) => gruus.resolve(user))).toEqual(Array(100).fill(42));
    const last = minted[0]?.at(-1) === '0' ? '1' : '0';
    expect(gruus.resolve(`${minted[0]?.slice(0, -1)}${last}`)).toBeUndefined();
    expect(new TemporaryGruus().resolve(minted[0] ?? '')).toBeUndefined();
  });
});
