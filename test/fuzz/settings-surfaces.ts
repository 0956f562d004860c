/** Files of users and operators: configurations, manifests and traces. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPlainHostSettings } from '../../sdk/config/host.js';
import { loadNetworkSettings } from '../../sdk/config/network.js';
import { loadSenderHostSettings } from '../../sdk/config/sender.js';
import { readPackageManifest } from '../../sdk/manifest/package-manifest.js';
import { readTrace } from '../../sdk/trace/read-trace.js';
import { defineSurface, encode, type Surface } from './surface.js';

const folder = mkdtempSync(join(tmpdir(), 'sip-push-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const WORDS = [
  ...[
    '{}',
    '[]',
    'null',
    'true',
    '""',
    '-1',
    '1e999',
    '"__proto__":{}',
    '"constructor":1',
    '"identity":"sip:a@b"',
  ],
  ...[
    '"server":["sip:a;transport=tcp"]',
    '"trust":["sip:*@*.a"]',
    '"aka":{"k":""}',
    '"password":"x"',
    '"tls":{"ca":"x"}',
  ],
  ...[
    '"ports":"1-2"',
    '"relay":"msrps://a;tcp"',
    '"apps":[]',
    '"fetch":{"allow":["https://*"]}',
    '\\ud800',
    '\\u0000',
  ],
  ...[
    '"contract":"^1"',
    '"id":"a.b"',
    '"accepts":["*/*"]',
    '"options":{"type":"object"}',
    '"samples":{"a/b":["./x"]}',
  ],
];

/** Each input is the content of a file with this name. */
function fileSurface(
  file: string,
  name: string,
  seeds: readonly unknown[],
  read: (path: string) => Promise<unknown>,
) {
  const path = join(folder, file);
  return defineSurface<unknown>({
    name,
    seeds: seeds.map((seed) => encode(typeof seed === 'string' ? seed : JSON.stringify(seed))),
    words: WORDS,
    async read(bytes) {
      writeFileSync(path, bytes);
      return await read(path);
    },
    // Options have defaults, and derived credentials.
    constant: 65_536,
  });
}

const account = { identity: 'sip:bob@domain.test', server: 'sip:127.0.0.1:5060;transport=tcp' };
const KEY = '0123456789abcdef0123456789abcdef';

const host = fileSurface(
  'host.json',
  'config-host',
  [
    {
      ...account,
      password: 'x',
      apps: ['missing.ua'],
      trust: ['sip:psa@domain.test'],
      data: './data',
      store: 'memory',
    },
    {
      ...{
        ...account,
        server: [account.server],
        aka: { k: KEY, opc: KEY, sqn: '000000000000' },
        expires: 60,
      },
      apps: [{ use: 'missing.ua', options: { a: 1 }, isolation: { type: 'worker' }, optional: true }],
      fetch: { allow: ['https://*.operator.test'], maxSize: 1 },
      msrp: { relay: { uri: 'msrps://relay.domain.test;tcp', username: 'a', password: 'b' }, sessions: 2 },
      profile: { vendor: 'V', url: 'http://a.test/p.xml', port: 1 },
    },
  ],
  (path) =>
    loadPlainHostSettings(
      path,
      () => {},
      () => {},
    ),
);

const sender = fileSurface(
  'sender.json',
  'config-sender',
  [
    {
      ...account,
      password: 'x',
      msrp: { host: '192.0.2.1', ports: '20000-20100', transport: 'ws' },
      watch: ['sip:a@b'],
    },
    {
      ...{ ...account, register: false, listen: account.server, apps: ['mms.ua'], outstanding: 5 },
      api: { port: 0, key: '0123456789abcdef', maxSize: 5 },
      publish: { host: '127.0.0.1', url: 'https://a.test/c' },
    },
  ],
  loadSenderHostSettings,
);

const network = fileSurface(
  'users.json',
  'config-network',
  [
    { bob: 'secret', psa: { password: 'x', identities: ['sip:psa@domain.test', 'tel:+15550100'] } },
    {
      users: { bob: 'x' },
      trustedPeers: ['127.0.0.1'],
      applicationServers: { 'urn:a': 'sip:a@b' },
      watchers: ['sip:a@b'],
    },
  ],
  loadNetworkSettings,
);

const manifest = fileSurface(
  'package.json',
  'manifest',
  [
    {
      name: 'acme',
      version: '1.0.0',
      exports: './index.js',
      sipPush: {
        contract: '*',
        apps: [
          {
            id: 'x-acme:pills.ua',
            accepts: ['text/plain'],
            samples: { 'text/plain': ['./a.txt'] },
            activation: 'push',
          },
        ],
      },
    },
    {
      main: 'index.js',
      sipPush: { contract: '^1.0.0', apps: [{ id: 'a.ua', accepts: ['*/*'], options: { type: 'object' } }] },
    },
  ],
  () => readPackageManifest(folder),
);

const LINE = {
  ...{
    time: '2026-11-22T02:24:00.000Z',
    direction: 'in',
    transport: 'TCP',
    protocol: 'MSRP',
    bytes: 'TVNSUA==',
  },
  ...{ local: { host: '127.0.0.1', port: 5060 }, remote: { host: '::1', port: 1 }, bodyLeft: 5 },
};
const trace = fileSurface(
  'trace.jsonl',
  'trace',
  [`${JSON.stringify(LINE)}\n${JSON.stringify({ time: LINE.time, event: { event: 'push' } })}\n`],
  async (path) => {
    const entries: unknown[] = [];
    for await (const entry of readTrace(path)) entries.push(entry);
    return entries;
  },
);

export const settingsSurfaces: readonly Surface[] = [host, sender, network, manifest, trace];
