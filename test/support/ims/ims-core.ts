/** An IMS core on loopback: Debian's Kamailio as P-, I- and S-CSCF, and an HSS in this process. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerCommand } from '../programs/peers.js';
import { freePorts } from '../programs/ports.js';
import { type RunningProcess, startProcess } from '../programs/process.js';
import { eventually } from '../wait.js';
import { Hss } from './hss.js';
import { Subscriber } from './subscriber.js';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const DOMAIN = 'ims.test';
const ROLES = ['icscf', 'scscf', 'pcscf'] as const;
type Role = (typeof ROLES)[number];

/** Keys of test set 1 of 3GPP TS 35.208. */
const KEYS = { k: '465b5ce8b199b49faa5f0a2ee238a6bc', opc: 'cd63cb71954a9f4e48a5994e37a02baf' };

/** The tables that ims_icscf reads at its start, in the format of db_text. */
const TABLES = {
  version: 'table_name(string) table_version(int)\n',
  nds_trusted_domains: 'id(int,auto) trusted_domain(string)\n',
  s_cscf: 'id(int,auto) name(string) s_cscf_uri(string)\n1:S-CSCF:sip\\:127.0.0.1\\:@SCSCF@\n',
  s_cscf_capabilities: 'id(int,auto) id_s_cscf(int) capability(int)\n1:1:0\n',
};

export interface ImsCoreOptions {
  /** The I-CSCF refuses requests within dialogs with 406: they have to follow their Route. */
  strict?: boolean;
}

export class ImsCore {
  /** Identity of the Push Sender Agent, a public service identity. */
  readonly psa = `sip:psa@${DOMAIN}`;
  readonly #processes = new Map<Role, RunningProcess>();

  private constructor(
    private readonly folder: string,
    private readonly ports: Readonly<Record<string, number>>,
    readonly hss: Hss,
    /** `bob` has three identities and registers with the sender; requests for `carol` go to a receiver by ISC. */
    readonly subscribers: Readonly<Record<'bob' | 'alice' | 'carol', Subscriber>>,
  ) {}

  /** Resolves when the I-CSCF and the S-CSCF have connected to the HSS. */
  static async start({ strict = false }: ImsCoreOptions = {}): Promise<ImsCore> {
    const names = [
      'PCSCF',
      'ICSCF',
      'SCSCF',
      'HSS',
      'AS',
      'ACCEPTOR_I',
      'ACCEPTOR_S',
      'IPSEC',
      'IPSEC2',
      'RECEIVER',
    ];
    const free = await freePorts(names.length);
    const ports = Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0]));
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-ims-'));
    await writeConfiguration(folder, { ...ports, RUN: folder, DOMAIN, STRICT: strict ? 1 : 0 });
    const subscribers = subscribersOf(ports.AS ?? 0, ports.RECEIVER ?? 0);
    const hss = await Hss.listen(ports.HSS ?? 0, {
      realm: DOMAIN,
      subscribers: Object.values(subscribers),
      services: { [`sip:psa@${DOMAIN}`]: `sip:127.0.0.1:${ports.AS}` },
      scscf: `sip:127.0.0.1:${ports.SCSCF}`,
    });
    const core = new ImsCore(folder, ports, hss, subscribers);
    try {
      for (const role of ROLES) await core.#run(role);
      await core.#connected(['icscf', 'scscf']);
    } catch (error) {
      await core.stop();
      throw error;
    }
    return core;
  }

  /** `server` of a terminal. */
  pcscf(transport: 'udp' | 'tcp'): string {
    return `sip:127.0.0.1:${this.ports.PCSCF};transport=${transport}`;
  }

  /** `server` of an application server. */
  icscf(transport: 'udp' | 'tcp'): string {
    return `sip:127.0.0.1:${this.ports.ICSCF};transport=${transport}`;
  }

  /** `listen` of the Push Sender Agent. */
  get applicationServer(): string {
    return `sip:127.0.0.1:${this.ports.AS};transport=udp`;
  }

  /** `listen` of a receiver on an application server, which the requests for carol go to. */
  get receiver(): string {
    return `sip:127.0.0.1:${this.ports.RECEIVER};transport=udp`;
  }

  /** Identity and credentials of a terminal. */
  account(name: 'bob' | 'alice') {
    const { impi } = this.subscribers[name];
    return { identity: `sip:${name}@${DOMAIN}`, username: impi, ...KEYS };
  }

  /** The S-CSCF loses all registrations and subscriptions. */
  async restartScscf(): Promise<void> {
    await this.#processes.get('scscf')?.stop();
    await eventually(
      'the S-CSCF has disconnected',
      () => !this.hss.peers.has(`scscf.${DOMAIN}`) || undefined,
    );
    await this.#run('scscf');
    await this.#connected(['scscf']);
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#processes.values(), (process) => process.stop()));
    await this.hss.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #run(role: Role): Promise<void> {
    const { folder } = this;
    const process = await startProcess(
      peerCommand('kamailio'),
      ['-DD', '-E', '-m', '32', '-M', '4', '-Y', folder, '-P', `${folder}/${role}.pid`, '-f', `${role}.cfg`],
      { cwd: folder },
    );
    this.#processes.set(role, process);
  }

  async #connected(roles: readonly Role[]): Promise<void> {
    const ended = roles.map(async (role) => {
      const process = this.#processes.get(role);
      await process?.exited;
      throw new Error(`the ${role} ended: ${process?.describe()}`);
    });
    const connected = eventually(`${roles.join(', ')} connected to the HSS`, () =>
      roles.every((role) => this.hss.peers.has(`${role}.${DOMAIN}`)) ? true : undefined,
    );
    await Promise.race([connected, ...ended]);
    for (const each of ended) each.catch(() => undefined);
  }
}

function subscribersOf(applicationServer: number, receiver: number) {
  const isc = { server: `sip:127.0.0.1:${receiver}`, terminating: true };
  const pushes = { name: 'Accept-Contact', content: '.*pusheventapp.*' };
  return {
    bob: new Subscriber({
      impi: `bob@${DOMAIN}`,
      impus: [`sip:bob@${DOMAIN}`, `sip:bob.work@${DOMAIN}`, 'tel:+15550100'],
      keys: KEYS,
      applicationServers: [{ server: `sip:127.0.0.1:${applicationServer}`, method: 'REGISTER' }],
    }),
    alice: new Subscriber({ impi: `alice@${DOMAIN}`, impus: [`sip:alice@${DOMAIN}`], keys: KEYS }),
    carol: new Subscriber({
      impi: `carol@${DOMAIN}`,
      impus: [`sip:carol@${DOMAIN}`],
      keys: KEYS,
      applicationServers: [
        { ...isc, method: 'MESSAGE' },
        { ...isc, method: 'INVITE', header: pushes },
      ],
    }),
  };
}

async function writeConfiguration(folder: string, values: Readonly<Record<string, string | number>>) {
  const filled = (text: string, more: Readonly<Record<string, string | number>> = {}) =>
    Object.entries({ ...values, ...more }).reduce(
      (result, [name, value]) => result.replaceAll(`@${name}@`, String(value)),
      text,
    );
  const template = (name: string) => readFile(join(FOLDER, name), 'utf8');
  for (const name of ['common', ...ROLES]) {
    await writeFile(join(folder, `${name}.cfg`), filled(await template(`${name}.cfg`)));
  }
  for (const role of ['icscf', 'scscf'] as const) {
    const acceptor = values[`ACCEPTOR_${role[0]?.toUpperCase()}`] ?? 0;
    const peer = filled(await template('cdp.xml'), { FQDN: `${role}.${DOMAIN}`, ACCEPTOR: acceptor });
    await writeFile(join(folder, `${role}.xml`), peer);
  }
  await mkdir(join(folder, 'icscf.db'));
  for (const [name, text] of Object.entries(TABLES)) {
    await writeFile(join(folder, 'icscf.db', name), filled(text));
  }
}
