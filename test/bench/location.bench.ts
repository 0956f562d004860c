/** The cost of a look-up and a refresh in the registrar of the embedded network, with few users and with forty times as many. */

import { bench, describe } from 'vitest';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { flowKey } from '../../sdk/network/flow-table.js';
import { LocationStore } from '../../sdk/network/registrar/location.js';
import { MemoryNetwork } from '../network/memory-network.js';

const USER = 77;
const network = new MemoryNetwork();
let cseq = 1;

function register(store: LocationStore, user: number): void {
  const contact = parseNameAddr(`<sip:u@10.0.0.1:${user}>;+sip.instance="<urn:uuid:${user}>"`);
  if (!contact) throw new Error('no Contact');
  const { flow } = network.peer(user, 'TCP', '10.0.0.1');
  store.register({
    username: `user${user}`,
    addressOfRecord: `sip:user${user}@domain.test`,
    callId: 'boot',
    cseq: ++cseq,
    path: [],
    flow,
    flowKey: flowKey(flow),
    contacts: [{ contact, expires: 3600 }],
  });
}

function filled(users: number): LocationStore {
  const store = new LocationStore();
  for (let user = 1; user <= users; user++) register(store, user);
  return store;
}

describe('a look-up and a refresh', () => {
  for (const users of [500, 20_000]) {
    const store = filled(users);
    bench(`with ${users} users`, () => {
      store.bindingsOfDevice(`user${USER}`, `urn:uuid:${USER}`);
      register(store, USER);
    });
  }
});
