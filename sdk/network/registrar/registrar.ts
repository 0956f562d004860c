/** The registrar (RFC 3261 10.3), with Path (RFC 3327), outbound (RFC 5626) and GRUU (RFC 5627). */

import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { type NameAddr, parseNameAddrs } from '../../../core/sip/values/name-addr.js';
import { Parameters } from '../../../core/sip/values/parameters.js';
import { SipUri } from '../../../core/sip/values/uri.js';
import { type FlowTable, flowKey } from '../flow-table.js';
import type { Account, Accounts } from './accounts.js';
import type { Binding, RegistrationRequest } from './binding.js';
import type { Callers } from './caller.js';
import { publicGruu, type TemporaryGruus } from './gruu.js';
import type { LocationStore, RegistrationRefusal } from './location.js';

/** Default and longest duration of a registration, seconds (RFC 3261 §10.2.1.1). */
const DEFAULT_EXPIRES = 3600;
const MAX_EXPIRES = 86_400;
/** Seconds: short enough to watch a registration expire, long enough that refreshes do not flood the network. */
export const MIN_EXPIRES = 10;

/** Characters of one Contact, and of all Path values, which are stored for each of MAX_BINDINGS. */
const MAX_CONTACT_LENGTH = 4096;
const MAX_PATH_LENGTH = 4096;

/** Seconds between keep-alives of devices: many NATs drop UDP bindings after 30 s. */
const KEEP_ALIVE = 25;

const EXTENSIONS = new Set(['path', 'gruu', 'pref', 'outbound']);

/** Not 503: a proxy on the way would turn it into a 500. */
const REFUSALS: Readonly<Record<RegistrationRefusal, readonly [status: number, reason: string]>> = {
  // RFC 3261 §10.3 step 7: "the update MUST be aborted and the request fails"; 500 as for a dialog (§12.2.2).
  'out of order': [500, 'CSeq Out Of Order'],
  'too many contacts': [403, 'Too Many Contacts'],
  full: [500, 'Too Many Registrations'],
};

type Header = readonly [name: string, value: string];

export class Registrar {
  constructor(
    private readonly accounts: Accounts,
    private readonly callers: Callers,
    private readonly location: LocationStore,
    private readonly temporaryGruus: TemporaryGruus,
    private readonly flows: FlowTable,
  ) {}

  answer(request: SipRequest, flow: SipFlow): SipResponse {
    const { headers } = request;
    const refuse = (status: number, more: readonly Header[] = [], reason?: string) =>
      buildResponse(request, status, { headers: more, reason });

    const unknown = headers.getAll('Require').filter((tag) => !EXTENSIONS.has(tag.toLowerCase()));
    if (unknown.length > 0) return refuse(420, [['Unsupported', unknown.join(', ')]]);
    const to = headers.to?.uri ?? '';
    const claimed = SipUri.parse(to) && this.accounts.find(to);
    // A network with users sends a challenge before it shows whether a user exists.
    if (!claimed && this.accounts.open) return refuse(404);
    const caller = this.callers.ofRegister(request, claimed?.account);
    if (caller.kind === 'challenge') {
      return refuse(
        401,
        caller.values.map((value): Header => ['WWW-Authenticate', value]),
      );
    }
    if (caller.kind !== 'user' || caller.account.username !== claimed?.account.username) return refuse(403);
    return this.#register(request, flow, claimed, refuse);
  }

  #register(
    request: SipRequest,
    flow: SipFlow,
    { account, identity: addressOfRecord }: { account: Account; identity: string },
    refuse: (status: number, headers?: readonly Header[], reason?: string) => SipResponse,
  ): SipResponse {
    const { headers } = request;
    const contacts = readContacts(request);
    if (contacts === 'malformed') return refuse(400, [], 'Malformed Contact');
    if (contacts === 'too brief') return refuse(423, [['Min-Expires', String(MIN_EXPIRES)]]);
    const path = headers.getAll('Path');
    if (path.join().length > MAX_PATH_LENGTH) return refuse(513);
    const { username } = account;
    const cseq = headers.cseq?.number ?? 0;
    const callId = headers.get('Call-ID') ?? '';
    if (contacts === '*' || contacts.length > 0) {
      const origin = { username, addressOfRecord, callId, cseq, path, flow, flowKey: flowKey(flow) };
      const refusal = this.location.register({ ...origin, contacts });
      if (refusal) {
        const [status, reason] = REFUSALS[refusal];
        return refuse(status, status === 500 ? [['Retry-After', '30']] : [], reason);
      }
    }
    const response = buildResponse(request, 200, { headers: this.#granted(request, account, flow) });
    // RFC 6223 §4.4: asks for keep-alives if the device can send them.
    const { via } = response.headers;
    if (via?.parameters.has('keep') && path.length === 0) {
      via.parameters.set('keep', String(KEEP_ALIVE));
      response.headers.setVia(via);
    }
    return response;
  }

  /** RFC 3261 §10.3 step 8: every binding with its remaining time. */
  *#granted({ headers }: SipRequest, { username, identities }: Account, flow: SipFlow): Generator<Header> {
    const supported = new Set(headers.getAll('Supported').map((tag) => tag.toLowerCase()));
    let outbound = false;
    for (const binding of this.location.bindings(username)) {
      outbound ||= binding.regId !== undefined;
      yield ['Contact', this.#contact(binding, supported.has('gruu'))];
    }
    for (const path of headers.getAll('Path')) yield ['Path', path];
    yield ['P-Associated-URI', identities.map((identity) => `<${identity}>`).join(', ')];
    // RFC 3608: requests of the device may have this network as their first route.
    yield ['Service-Route', `<${this.flows.serviceRoute(flow)}>`];
    yield ['Supported', 'path, gruu, outbound'];
    // RFC 5626 §6: shows the device that its reg-id is supported.
    if (outbound && supported.has('outbound')) yield ['Require', 'outbound'];
  }

  #contact({ contact, device, expiresAt }: Binding, withGruu: boolean): string {
    const parameters = new Parameters();
    for (const [name, raw] of contact.parameters.entries()) {
      if (!/^(?:expires|pub-gruu|temp-gruu)$/i.test(name)) parameters.setRaw(name, raw);
    }
    if (withGruu && device) {
      const { addressOfRecord, instanceId, number } = device;
      const gruu = publicGruu(addressOfRecord, instanceId);
      // RFC 5627 §5.1: a new one in each answer; the older ones stay valid.
      const temporary = this.temporaryGruus.issue(addressOfRecord, number);
      if (gruu !== undefined) parameters.setRaw('pub-gruu', `"${gruu}"`);
      if (temporary !== undefined) parameters.setRaw('temp-gruu', `"${temporary}"`);
    }
    const left = Math.max(0, Math.ceil((expiresAt - performance.now()) / 1000));
    parameters.setRaw('expires', String(left));
    return `<${contact.uri}>${parameters}`;
  }
}

/** RFC 3261 §10.3 steps 6 and 7. */
function readContacts({ headers }: SipRequest): RegistrationRequest['contacts'] | 'malformed' | 'too brief' {
  const values = headers.getAll('Contact');
  const overall = readExpires(headers.get('Expires')) ?? DEFAULT_EXPIRES;
  if (values.includes('*')) return values.length === 1 && overall === 0 ? '*' : 'malformed';
  const parsed = parseNameAddrs(values);
  if (!parsed || values.some((value) => value.length > MAX_CONTACT_LENGTH)) return 'malformed';
  const contacts: { contact: NameAddr; expires: number }[] = [];
  for (const contact of parsed) {
    const asked = readExpires(contact.parameters.get('expires')) ?? overall;
    if (asked > 0 && asked < MIN_EXPIRES) return 'too brief';
    contacts.push({ contact, expires: Math.min(asked, MAX_EXPIRES) });
  }
  return contacts;
}

/** RFC 3261 §20.10 and §20.19: a malformed value counts as absent. */
function readExpires(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
