/** Capability and resource negotiation at the sender (TS 5.2): receives the OPTIONS of terminals. */

import {
  canonicalEventAppId,
  distinctEventAppIds,
  eventAppKey,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from '../../app/contract/event-app-id.js';
import { EXTERNAL_BODY, parseExternalBody } from '../../content/external-body.js';
import { readMediaType } from '../../content/media-type.js';
import { PROFILE_TYPE } from '../../content/user-agent-profile.js';
import { defined } from '../../defined.js';
import { MalformedError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../../sip/message/message.js';
import { buildResponse } from '../../sip/message/writer.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { assertedIdentities, type TrustList } from '../../sip/values/asserted-identity.js';
import { formatFeatureTag } from '../../sip/values/feature-tags.js';
import { type NameAddr, parseNameAddr } from '../../sip/values/name-addr.js';
import { isGruu, SipUri } from '../../sip/values/uri.js';
import type { TerminalDirectory } from './directory.js';
import type { ProfileCache } from './profiles.js';
import { type ProfileFacts, publicIdentity, type TerminalFacts } from './terminal.js';

export interface CapabilityOptions {
  directory: TerminalDirectory;
  profiles: ProfileCache<ProfileFacts>;
  /** Identities whose OPTIONS are accepted (5.2-01). */
  trust: TrustList;
  /** event-app-ids that this sender pushes to; all if absent. */
  apps?: readonly string[];
  /** The sender's Contact URI. */
  contact(): string;
  /** SIP methods that the sender supports. */
  methods(): readonly string[];
  /** For P-Asserted-Identity of a response, if the sender may assert its identity. */
  assertedIdentity?: string;
}

/** Applications and methods kept per terminal, and characters of its User-Agent; far above real values. */
const MAX_KEPT = 256;
/** Characters of a Contact; a GRUU with an instance id and feature tags has about 300. */
const MAX_CONTACT_LENGTH = 4096;

/** The content of an OPTIONS. */
interface Capabilities {
  user: string;
  facts: TerminalFacts;
  /** URL of the User Agent Profile. */
  profile?: string;
}

export class CapabilityServer {
  /** Keys of event-app-ids. */
  readonly #apps: ReadonlySet<string> | undefined;

  constructor(private readonly options: CapabilityOptions) {
    this.#apps = options.apps && new Set(options.apps.map(eventAppKey));
  }

  /** Answers an OPTIONS. The referenced profile is fetched afterwards, and then merged into the directory. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const from = this.#trusted(request);
    if (from === undefined) {
      transaction.respond(buildResponse(request, 403));
      return;
    }
    let capabilities: Capabilities;
    try {
      capabilities = readCapabilities(request, from);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      transaction.respond(buildResponse(request, 400, { reason: 'Bad Request' }));
      return;
    }
    const { user, facts, profile } = capabilities;
    this.options.directory.setRegistered(user, { ...this.#withdrawnApps(capabilities), ...defined(facts) });
    transaction.respond(this.#response(request, facts.apps ?? []));
    if (profile !== undefined) void this.#addProfile(user, facts, profile);
  }

  /** A malformed identity is not trusted. */
  #trusted(request: SipRequest): string | undefined {
    try {
      return this.options.trust.trusted(request);
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
  }

  /** A terminal that no longer lists applications has none (5.1-05), unless its profile lists some. */
  #withdrawnApps({ user, facts, profile }: Capabilities): Pick<TerminalFacts, 'apps'> {
    const withdrawn = profile === undefined && this.options.directory.match(user, facts)?.apps !== undefined;
    return withdrawn ? { apps: [] } : {};
  }

  async #addProfile(user: string, facts: TerminalFacts, url: string): Promise<void> {
    const { directory, profiles } = this.options;
    const profile = await profiles.get(url);
    // The terminal may have de-registered meanwhile; a profile does not make it registered.
    if (profile && directory.match(user, facts)?.registered) {
      directory.setRegistered(user, { ...profile, ...defined(facts), profile: url });
    }
  }

  #response(request: SipRequest, apps: readonly string[]): SipResponse {
    const { contact, methods, assertedIdentity } = this.options;
    const supported = apps.filter((app) => this.#apps?.has(eventAppKey(app)) ?? true);
    // Without applications the tag is omitted, because a tag without a value means TRUE (5.2-05).
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

/** @throws MalformedError for a missing, invalid or oversized Contact. */
function readCapabilities(request: SipRequest, from: string): Capabilities {
  const { headers } = request;
  const text = headers.get('Contact');
  const contact = text === undefined ? undefined : parseNameAddr(text);
  if (!contact || (text?.length ?? 0) > MAX_CONTACT_LENGTH) {
    throw new MalformedError(
      `invalid Contact of an OPTIONS: expected one address of at most ${MAX_CONTACT_LENGTH} characters`,
    );
  }
  const apps = contact.parameters.get(PUSH_FEATURE_TAG);
  const product = headers.get('User-Agent');
  const methods = headers.getAll('Allow').map((method) => method.toUpperCase());
  const user = userOf(request, from);
  return {
    user,
    facts: {
      ...addressOf(contact, user),
      apps:
        apps === undefined
          ? undefined
          : distinctEventAppIds(parseEventAppIds(apps).map(canonicalEventAppId)).slice(0, MAX_KEPT),
      // Without an Allow the methods are unknown (RFC 3261 §20.5).
      methods: methods.length === 0 ? undefined : distinct(methods),
      product: product === undefined ? undefined : product.slice(0, MAX_KEPT),
    },
    profile: profileOf(request),
  };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_KEPT);
}

/** The first asserted identity, which is the SIP URI if there are two. */
function userOf(request: SipRequest, trusted: string): string {
  const [first = trusted] = assertedIdentities(request);
  return publicIdentity(first);
}

/** The GRUU (5.2-03) or the address of a Contact. The sample flow B.2 has the `gr` of the GRUU outside the brackets. */
function addressOf({ uri, parameters }: NameAddr, user: string): TerminalFacts {
  const instanceId = /^<(.*)>$/.exec(parameters.get('+sip.instance') ?? '')?.[1];
  const gr = parameters.get('gr');
  const whole = gr === undefined || isGruu(uri) ? uri : `${uri};gr=${gr}`;
  return isGruu(whole) && isOf(whole, user) ? { instanceId, gruu: whole } : { instanceId, contact: whole };
}

/** Rejects the public GRUU of another user (RFC 5627 §3.1). A temporary GRUU does not contain the user. */
function isOf(gruu: string, user: string): boolean {
  const uri = SipUri.parse(gruu);
  return uri?.parameters.get('gr') === undefined || publicIdentity(gruu) === user;
}

function profileOf(request: SipRequest): string | undefined {
  const type = readMediaType(request.headers.get('Content-Type') ?? '');
  if (type?.type !== EXTERNAL_BODY) return undefined;
  try {
    const reference = parseExternalBody(type, request.body);
    return reference.type.type === PROFILE_TYPE ? reference.url : undefined;
  } catch (error) {
    // An invalid reference does not invalidate the rest of the OPTIONS.
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
