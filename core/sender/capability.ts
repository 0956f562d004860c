/** Capability and resource negotiation at the sender (TS 5.2): what a terminal says of itself by OPTIONS. */

import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../app/contract/event-app-id.js';
import { EXTERNAL_BODY, parseExternalBody } from '../content/external-body.js';
import { parseMediaType } from '../content/media-type.js';
import { PROFILE_TYPE } from '../content/user-agent-profile.js';
import { defined } from '../defined.js';
import { MalformedError } from '../errors.js';
import type { SipRequest, SipResponse } from '../sip/message/message.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import { assertedIdentities, type TrustList } from '../sip/values/asserted-identity.js';
import { formatFeatureTag } from '../sip/values/feature-tags.js';
import { type NameAddr, parseNameAddr } from '../sip/values/name-addr.js';
import { isGruu, SipUri } from '../sip/values/uri.js';
import { buildResponse } from '../sip/wire/writer.js';
import type { Profiles } from './profiles.js';
import type { TerminalDirectory } from './terminals/directory.js';
import { type ProfileFacts, publicIdentity, type TerminalFacts } from './terminals/terminal.js';

export interface CapabilityOptions {
  directory: TerminalDirectory;
  profiles: Profiles<ProfileFacts>;
  /** Whose terminals are listened to (5.2-01). */
  trust: TrustList;
  /** event-app-ids that this sender pushes for; absent: for whatever a terminal has. */
  apps?: readonly string[];
  /** Ours, for the Contact of an answer. */
  contact(): string;
  /** SIP methods that the sender takes. */
  methods(): readonly string[];
  /** For P-Asserted-Identity of an answer, where the sender may assert one itself. */
  assertedIdentity?: string;
}

/** What is kept of one terminal, of many: more than any has of either, or calls itself by. */
const MAX_KEPT = 256;
/** Characters of a Contact: a GRUU with an instance id takes 150, and its features as much again. */
const MAX_CONTACT_LENGTH = 4096;

/** What a terminal said, of whom. */
interface Capabilities {
  user: string;
  facts: TerminalFacts;
  /** Where its User Agent Profile is. */
  profile?: string;
}

export class CapabilityServer {
  readonly #apps: ReadonlySet<string> | undefined;

  constructor(private readonly options: CapabilityOptions) {
    this.#apps = options.apps && new Set(options.apps.map(canonicalEventAppId));
  }

  /** Answers an OPTIONS. The profile that it refers to is retrieved afterwards, and changes what is known then. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    let said: Capabilities;
    try {
      const from = this.options.trust.trusted(request);
      if (from === undefined) {
        transaction.respond(buildResponse(request, 403));
        return;
      }
      said = readCapabilities(request, from);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      transaction.respond(buildResponse(request, 400, { reason: 'Bad Request' }));
      return;
    }
    const { user, facts, profile } = said;
    this.options.directory.saw(user, { ...this.#noMore(said), ...facts });
    transaction.respond(this.#answer(request, facts.apps ?? []));
    if (profile !== undefined) void this.#learn(user, facts, profile);
  }

  /** 5.1-05: one that named applications before, and names none now, has none; its profile may still name some. */
  #noMore({ user, facts, profile }: Capabilities): Pick<TerminalFacts, 'apps'> {
    const had = profile === undefined && this.options.directory.known(user, facts)?.apps !== undefined;
    return had ? { apps: [] } : {};
  }

  async #learn(user: string, facts: TerminalFacts, url: string): Promise<void> {
    const { directory, profiles } = this.options;
    const profile = await profiles.of(url);
    // It may have left meanwhile: what it says of itself is no word of its being here.
    if (profile && directory.known(user, facts)?.here) {
      directory.saw(user, { ...profile, ...facts, profile: url });
    }
  }

  #answer(request: SipRequest, apps: readonly string[]): SipResponse {
    const { contact, methods, assertedIdentity } = this.options;
    const supported = apps.filter((app) => this.#apps?.has(app) ?? true);
    // 5.2-05: without any, the tag is left out: bare it would mean TRUE.
    const tag = supported.length === 0 ? '' : `;${formatFeatureTag(PUSH_FEATURE_TAG, supported)}`;
    return buildResponse(request, 200, {
      headers: [
        ['Contact', `<${contact()}>${tag}`],
        ['Allow', methods().join(', ')],
        ['Accept', `${EXTERNAL_BODY}, ${PROFILE_TYPE}`],
        ['Supported', 'gruu'],
        ...(assertedIdentity === undefined
          ? []
          : ([['P-Asserted-Identity', `<${assertedIdentity}>`]] satisfies [string, string][])),
      ],
    });
  }
}

/** @throws MalformedError when its Contact is none, or longer than any. */
function readCapabilities(request: SipRequest, from: string): Capabilities {
  const { headers } = request;
  const written = headers.get('Contact');
  const contact = written === undefined ? undefined : parseNameAddr(written);
  if (!contact || (written?.length ?? 0) > MAX_CONTACT_LENGTH) {
    throw new MalformedError('an OPTIONS that says what a terminal has needs a Contact');
  }
  const apps = contact.parameters.get(PUSH_FEATURE_TAG);
  const product = headers.get('User-Agent');
  const methods = headers.getAll('Allow').map((method) => method.toUpperCase());
  const user = userOf(request, from);
  return {
    user,
    facts: defined({
      ...addressOf(contact, user),
      apps: apps === undefined ? undefined : each(parseEventAppIds(apps).map(canonicalEventAppId)),
      // Without an Allow it has not said which (RFC 3261 20.5).
      ...(methods.length === 0 ? {} : { methods: each(methods) }),
      product: product === undefined ? undefined : product.slice(0, MAX_KEPT),
    }),
    ...profileOf(request),
  };
}

function each(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_KEPT);
}

/** Of two asserted identities the SIP one; it comes first. */
function userOf(request: SipRequest, trusted: string): string {
  const [first = trusted] = assertedIdentities(request);
  return publicIdentity(first);
}

/** 5.2-03. The sample flow (B.2) has the `gr` of its GRUU behind the bracket. */
function addressOf({ uri, parameters }: NameAddr, user: string): TerminalFacts {
  const instance = /^<(.*)>$/.exec(parameters.get('+sip.instance') ?? '')?.[1];
  const named = instance === undefined ? {} : { instanceId: instance };
  const gr = parameters.get('gr');
  const whole = gr === undefined || isGruu(uri) ? uri : `${uri};gr=${gr}`;
  return isGruu(whole) && isOf(whole, user) ? { ...named, gruu: whole } : { ...named, contact: whole };
}

/** A public GRUU has its user's name (RFC 5627 3.1): nobody is sent to by another's. A temporary one has none. */
function isOf(gruu: string, user: string): boolean {
  const uri = SipUri.parse(gruu);
  return uri?.parameters.get('gr') === undefined || uri.addressOfRecord() === user;
}

function profileOf(request: SipRequest): { profile?: string } {
  const type = parseMediaType(request.headers.get('Content-Type') ?? '');
  if (type?.type !== EXTERNAL_BODY) return {};
  try {
    const reference = parseExternalBody(type, request.body);
    return reference.type.type === PROFILE_TYPE ? { profile: reference.url } : {};
  } catch (error) {
    // The terminal is there all the same.
    if (error instanceof MalformedError) return {};
    throw error;
  }
}
