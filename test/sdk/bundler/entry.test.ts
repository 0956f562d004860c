/** The configuration in the entry module of a bundle. */

import { expect, it } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { entryModule } from '../../../sdk/bundler/entry.js';

const NOTHING = {
  webSocket: false,
  durableStore: false,
  memoryStore: false,
  senders: false,
  relay: false,
  aka: false,
  isolation: false,
};

const settings = {
  identity: 'sip:bob@domain.test',
  servers: ['sip:127.0.0.1:5060'],
  credentials: { username: 'bob', password: 'secret' },
};
const definition: PushAppDefinition = {
  id: 'a.ua',
  accepts: ['text/plain'],
  delivery: 'direct',
  order: 'parallel',
  start: () => ({ receive() {} }),
};

it('applies permissions in a bundle, with and without isolation', () => {
  const permissions = { fetch: ['https://a.test'], storage: 5 };
  const text = entryModule({
    platform: 'node',
    settings: {
      ...settings,
      apps: [
        { definition, permissions },
        { definition, permissions },
        {
          manifest: { id: definition.id, accepts: definition.accepts },
          load: async () => definition,
          permissions,
        },
      ],
    },
    features: { ...NOTHING, isolation: true },
    isolation: [undefined, {}, undefined],
  });
  const embedded = 'permissions: {"fetch":["https://a.test"],"storage":5}';
  expect(text.split('\n').filter((line) => line.includes(embedded))).toHaveLength(3);
  expect(text).toContain('{ definition: namedDefinition(application2), options: undefined');
});

it('embeds certificates as text and keys of a UICC unchanged, and treats __proto__ in options as a plain key', () => {
  const text = entryModule({
    platform: 'node',
    features: { ...NOTHING, aka: true },
    isolation: [],
    aka: { k: '0123', op: '4567' },
    settings: {
      ...settings,
      tls: { ca: Buffer.from('-----BEGIN\nCERTIFICATE-----'), key: new TextEncoder().encode('KEY') },
      apps: [{ definition, options: JSON.parse('{ "__proto__": { "admin": true } }') }],
    },
  });
  expect(text).toContain('"tls":{"ca":"-----BEGIN\\nCERTIFICATE-----","key":"KEY"}');
  const uicc = 'new SoftwareUicc({ k: Uint8Array.of(1,35), operator: { op: Uint8Array.of(69,103) } })';
  expect(text).toContain(`credentials: akaCredentials("bob", ${uicc})`);
  expect(text).not.toContain('secret');
  expect(text).toContain(`options: JSON.parse("{\\"__proto__\\":{\\"admin\\":true}}")`);
});
