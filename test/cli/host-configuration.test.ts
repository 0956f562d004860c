/** The configuration of a host: errors are reported before anything starts. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPECTED_PEER } from '../../core/sip/transport/peer-gate.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { freePort } from '../support/programs/ports.js';
import { BOB, Folder, linesOf, PSA } from './sip-push.js';

const LEAST = { identity: BOB, server: 'sip:127.0.0.1:9;transport=tcp', apps: ['mms.ua'], store: 'memory' };
const APP = 'accepts: ["text/plain"], start: () => ({ receive() {} })';

describe('the configuration of a host', () => {
  let folder: Folder;
  let certificates: Certificates;
  beforeAll(async () => {
    folder = await Folder.make();
    certificates = await makeCertificates();
    await folder.write('apps/weather.mjs', `export default { id: 'weather.ua', ${APP} };`);
    await folder.write('apps/throws.mjs', 'throw new Error("no forecast\\ntoday");');
    await folder.write('apps/nothing.mjs', 'export const id = "weather.ua";');
    await folder.write('apps/no-id.mjs', `export default { ${APP} };`);
    await folder.write('apps/lacks.mjs', 'import "no-such-package";');
    await folder.write('node_modules/weather-app/package.json', {
      name: 'weather-app',
      type: 'module',
      exports: './index.js',
    });
    await folder.write('node_modules/weather-app/index.js', `export default { id: 'weather.ua', ${APP} };`);
  });
  afterAll(async () => {
    await certificates?.remove();
    await folder?.remove();
  });

  /** Runs a host with this configuration, which must not start. @returns its stderr without the name of the file. */
  async function refusal(configuration: unknown): Promise<string[]> {
    await folder.write('bob.json', configuration);
    const { code, stdout, stderr } = await folder.run('host', '--config', 'bob.json', '--json');
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    const lines = stderr.split('\n');
    for (const line of lines) expect(line).toMatch(/^sip-push: bob\.json(: | is not JSON)/);
    return lines.map((line) => line.replace(/^sip-push: bob\.json(: )?/, '').trim());
  }

  it('has every documented key', async () => {
    const port = await freePort();
    await folder.write('bob.json', {
      identity: BOB,
      server: [`sip:127.0.0.1:${port};transport=tcp`, `sip:127.0.0.1:${port};transport=tls`],
      username: 'bob',
      password: '…',
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 3600,
      senders: [PSA],
      trust: [PSA, 'sip:*@trusted.test', 'tel:+15550100'],
      apps: ['mms.ua', { use: './apps/weather.mjs', options: { any: ['thing'] }, isolation: 'worker' }],
      data: './data',
      store: 'level',
      fetch: { allow: ['https://*.operator.test', 'http://127.0.0.1:*'], maxSize: 10_485_760, timeout: 10 },
      tls: { ca: certificates.caFile, cert: certificates.certFile, key: certificates.keyFile },
      msrp: { relay: 'msrps://relay.domain.test:2855;tcp', maxSize: 1_073_741_824, sessions: 100 },
      profile: { vendor: 'V', model: 'M', url: 'http://profile.test/', host: '127.0.0.1', port: 0 },
    });
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    await host.line(/disconnected {2}sip:127\.0\.0\.1:\d+;transport=tcp: .*ECONNREFUSED/);
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    expect(linesOf(host)).toEqual([{ event: 'stopped', reason: 'signal' }]);
  });

  it('rejects unknown keys, including nested ones, and suggests the nearest known key', async () => {
    expect(
      await refusal({
        ...LEAST,
        trsut: [],
        colour: 1,
        tls: { cet: 'a.pem' },
        apps: ['mms.ua', { use: 'mms.ua', optins: {} }],
        fetch: { maxsize: 1 },
      }),
    ).toEqual([
      'unknown key "tls.cet"; did you mean "cert"?',
      'unknown key "apps[1].optins"; did you mean "options"?',
      'unknown key "fetch.maxsize"; did you mean "maxSize"?',
      'unknown key "trsut"; did you mean "trust"?',
      expect.stringMatching(/^unknown key "colour": expected one of identity, server, username, /),
    ]);
  });

  it('rejects invalid types and values with what was expected', async () => {
    expect(
      await refusal({
        identity: 'bob',
        server: 5060,
        instanceId: 'f81d4fae',
        expires: '3600',
        senders: PSA,
        trust: ['psa'],
        listen: 'sip:127.0.0.1:5090',
        peers: ['10.0.0.0/33', '*.domain.test', 'core.domain.test'],
        limits: { connections: 0, heldBytes: 1000, messageTimeout: '30' },
        apps: [17, {}],
        store: 'leveldb',
        tls: { ca: 1 },
        fetch: { allow: ['operator.test'], timeout: 0 },
        profile: { url: 'profile.xml', port: 70_000 },
      }),
    ).toEqual([
      '"identity": expected a SIP URI, e.g. sip:bob@domain.test',
      '"server": expected string or array, received number',
      '"tls.ca": expected string, received number',
      '"instanceId": expected urn:uuid: and a UUID',
      '"expires": expected number, received string',
      ...[0, 1].map((at) => `"peers[${at}]": ${EXPECTED_PEER}`),
      '"limits.connections": expected number to be >0',
      '"limits.heldBytes": expected 1048576 or more, the largest SIP message',
      '"limits.messageTimeout": expected number, received string',
      '"trust[0]": expected e.g. sip:psa@domain.test, sip:*@domain.test or tel:+15550100',
      '"apps[0]": expected string or object, received number',
      '"apps[1].use" is missing',
      '"store": expected one of "level"|"memory"',
      '"senders": expected array, received string',
      '"fetch.allow[0]": expected an origin, e.g. https://*.operator.test or http://127.0.0.1:*',
      '"fetch.timeout": expected number to be >0',
      '"profile.url": expected e.g. http://profiles.vendor.test/m1.xml',
      '"profile.port": expected number to be <=65535',
    ]);
  });

  it('validates the keys of a UICC without printing them', async () => {
    const k = '465b5ce8b199b49faa5f0a2ee238a6bc';
    const wrong: [aka: unknown, lines: string[]][] = [
      [{ k: 'secret', opc: k }, ['"aka.k": expected 16 octets, 32 hexadecimal digits']],
      [
        { k, opc: k.slice(2), sqn: 'ff' },
        [
          '"aka.opc": expected 16 octets, 32 hexadecimal digits',
          '"aka.sqn": expected 6 octets, 12 hexadecimal digits',
        ],
      ],
      [{ k }, ['"aka": expected either "opc" or "op"']],
      [{ k, op: k, opc: k }, ['"aka": expected either "opc" or "op"']],
      [{ opc: k }, ['"aka.k" is missing']],
      [{ k, opcode: k, op: k }, ['unknown key "aka.opcode": expected one of k, opc, op, sqn']],
    ];
    for (const [aka, lines] of wrong) {
      const reported = await refusal({ ...LEAST, aka });
      expect(reported).toEqual(lines);
      expect(reported.join()).not.toMatch(/465b|secret/);
    }
    expect(await refusal({ ...LEAST, password: 'secret', aka: { k, op: k } })).toEqual([
      'expected either "password" or "aka"',
    ]);
  });

  it.each([
    [{}, ['"identity" is missing', '"server" is missing', '"apps" is missing']],
    [
      { ...LEAST, peers: ['10.0.0.1'] },
      ['"peers" needs "listen": without it, requests arrive only on the connection to "server"'],
    ],
    [
      { ...LEAST, limits: { connections: 10 } },
      ['"limits" needs "listen": without it, requests arrive only on the connection to "server"'],
    ],
    [{ ...LEAST, apps: [] }, ['"apps": expected at least one application']],
    [{ ...LEAST, server: [] }, ['"server": expected at least one server']],
    [
      { ...LEAST, server: ['sip:127.0.0.1:70000;transport=tcp'] },
      ['"server[0]": expected e.g. sip:127.0.0.1:5060;transport=tcp (udp, tcp, tls, ws or wss)'],
    ],
    [
      { ...LEAST, server: 'http://127.0.0.1' },
      ['"server": expected e.g. sip:127.0.0.1:5060;transport=tcp (udp, tcp, tls, ws or wss)'],
    ],
    [[], ['expected object, received array']],
    ['', ['is not JSON: Unexpected end of JSON input']],
    [
      '{\n  "identity": "sip:bob@domain.test",\n}',
      [expect.stringMatching(/^is not JSON: Expected double-quoted property name .*\bline 3\b/)],
    ],
    ['{ "a":\n b }', [expect.stringMatching(/^is not JSON: Unexpected token .* is not valid JSON$/)]],
    [
      { ...LEAST, tls: { ca: 'none.pem' } },
      [expect.stringMatching(/^"tls\.ca": .*none\.pem does not exist$/)],
    ],
    [
      { ...LEAST, msrp: { relay: 'relay.domain.test' } },
      ['"msrp.relay": expected e.g. msrps://relay.domain.test:2855;tcp'],
    ],
    [
      { ...LEAST, msrp: { relay: { uri: 'sip:relay.domain.test', usrname: 'bob' } } },
      [
        '"msrp.relay.uri": expected e.g. msrps://relay.domain.test:2855;tcp',
        'unknown key "msrp.relay.usrname"; did you mean "username"?',
      ],
    ],
    [{ ...LEAST, msrp: { relay: {} } }, ['"msrp.relay.uri" is missing']],
    [
      { ...LEAST, msrp: { relay: { uri: 'msrps://relay.domain.test;tcp', ca: 'none.pem' } } },
      [expect.stringMatching(/^"msrp\.relay\.ca": .*none\.pem does not exist$/)],
    ],
    [
      { ...LEAST, tls: { ca: 'bob.json', cert: 'bob.json' } },
      ['"tls.cert" and "tls.key" require each other: set both or neither'],
    ],
    [
      { ...LEAST, tls: { cert: 'bob.json', key: 'bob.json' } },
      [expect.stringMatching(/^"tls\.cert", "tls\.key" cannot be used: /)],
    ],
  ])('rejects %j', async (configuration, problems) => {
    expect(await refusal(configuration)).toEqual(problems);
  });

  it.each([
    ['mms.au', 'application "mms.au" was not found; did you mean "mms.ua"?'],
    [
      'no-such-app',
      'application "no-such-app" was not found: expected a bundled id (mms.ua), a path (./my-app/index.js) or an installed package',
    ],
    [
      './apps/none.mjs',
      expect.stringMatching(/ "\.\/apps\/none\.mjs" was not found: \/.*none\.mjs does not exist$/),
    ],
    [
      './apps',
      'application "./apps" is a folder without package.json: expected a package, or a file, e.g. ./apps/index.js',
    ],
    ['./apps/throws.mjs', 'application "./apps/throws.mjs" could not be loaded: no forecast today'],
    ['./apps/lacks.mjs', expect.stringMatching(/could not be loaded: Cannot find package 'no-such-package'/)],
    [
      './apps/nothing.mjs',
      expect.stringMatching(/has no default export: expected definePushApp\(\{ … \}\)$/),
    ],
  ])('rejects the application %s', async (use, problem) => {
    expect(await refusal({ ...LEAST, apps: ['mms.ua', { use }] })).toEqual([
      typeof problem === 'string' ? `"apps[1]": ${problem}` : problem,
    ]);
  });

  it('rejects an application that violates the contract before the host connects', async () => {
    await folder.write('bob.json', { ...LEAST, apps: ['./apps/no-id.mjs'] });
    const { code, stdout, stderr } = await folder.run('host', '--config', 'bob.json', '--json');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^sip-push: .*\bid\b.*$/);
  });

  it('finds applications by bundled id, path and package', async () => {
    await folder.write('bob.json', { ...LEAST, apps: ['mms.ua', 'weather-app'] });
    await using host = await folder.start('host', '--config', 'bob.json');
    await host.line(/disconnected/);
  });

  it('reports a missing file, a folder, and a trace that cannot be written', async () => {
    await folder.write('bob.json', LEAST);
    expect(await folder.run('host', '--config', 'none.json')).toMatchObject({
      code: 2,
      stderr: 'sip-push: none.json does not exist',
    });
    expect(await folder.run('host', '--config', 'apps')).toMatchObject({
      code: 2,
      stderr: 'sip-push: apps is a folder',
    });
    const untraceable = await folder.run('host', '--config', 'bob.json', '--trace', 'none/trace');
    expect(untraceable).toMatchObject({ code: 2, stdout: '' });
    expect(untraceable.stderr).toMatch(/^sip-push: cannot write none\/trace: .*ENOENT/);
  });

  it('reports a store that another host uses', async () => {
    const { store: _, ...durable } = LEAST;
    await folder.write('bob.json', { ...durable, data: 'shared' });
    await using first = await folder.start('host', '--config', 'bob.json');
    await first.line(/disconnected/);
    const { code, stderr } = await folder.run('host', '--config', 'bob.json');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sip-push: the store in .*shared is open in another process/);
  });
});
