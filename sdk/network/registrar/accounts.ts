/** The users of the network and their identities. */

import { ConfigurationError } from '../../../core/errors.js';
import { parseUri, SipUri } from '../../../core/sip/values/uri.js';

export interface Account {
  readonly username: string;
  /** Undefined if every user can register without digest. */
  readonly password?: string;
  /** Public identities: sip, sips or tel URIs. The first is asserted if the user does not prefer another. */
  readonly identities: readonly [string, ...string[]];
}

/** A user of the embedded network. */
export interface UserOptions {
  /** Password for digest authentication. */
  password: string;
  /** Public identities; `sip:username@domain` by default. */
  identities?: readonly string[];
}

/** The users of the embedded network, by user name or as a list. */
export type Users =
  | Readonly<Record<string, UserOptions>>
  | readonly (UserOptions & {
      /** User name for digest authentication. */
      readonly username: string;
    })[];

export class Accounts {
  /** No user needs a password. */
  readonly open: boolean;
  readonly #byUsername = new Map<string, Account>();
  readonly #byIdentity = new Map<string, { account: Account; identity: string }>();

  /**
   * Without `users` every name of the domain is a user.
   * @param isOurPort whether a URI names a port of the network: `bob@127.0.0.1:5060` is `bob@domain.test`.
   */
  constructor(
    private readonly domain: string,
    users: Users | undefined,
    private readonly isOurPort: (uri: SipUri) => boolean = () => false,
  ) {
    this.open = users === undefined;
    for (const account of accountsOf(users ?? {}, domain)) this.#enter(account);
  }

  byUsername(username: string): Account | undefined {
    return this.#byUsername.get(username);
  }

  /** The user and the identity that a URI names: a configured one, or in an open network any of the domain. */
  find(uri: string): { account: Account; identity: string } | undefined {
    const key = this.#key(uri);
    if (key === undefined) return undefined;
    const known = this.#byIdentity.get(key);
    if (known || !this.open || !key.endsWith(`@${this.domain}`)) return known;
    const identity = `sip:${key}`;
    return { account: { username: key.slice(0, -this.domain.length - 1), identities: [identity] }, identity };
  }

  byIdentity(uri: string): Account | undefined {
    return this.find(uri)?.account;
  }

  isIdentityOf(account: Account, uri: string): boolean {
    return this.byIdentity(uri)?.username === account.username;
  }

  /** `user@host` of a SIP or SIPS URI, `tel:` and the digits of a telephone number; undefined for other URIs. */
  #key(uri: string): string | undefined {
    const parsed = parseUri(uri);
    if (parsed instanceof SipUri) {
      if (parsed.user === undefined) return undefined;
      const host = this.isOurPort(parsed) ? this.domain : parsed.host;
      return new SipUri({ user: parsed.user, host }).addressOfRecord().slice('sip:'.length);
    }
    if (parsed?.scheme !== 'tel') return undefined;
    // RFC 3966 §5: visual separators are not part of a number.
    const number = (parsed.text.slice('tel:'.length).split(';', 1)[0] ?? '')
      .replace(/[-.()]/g, '')
      .toLowerCase();
    return number === '' ? undefined : `tel:${number}`;
  }

  #enter(account: Account): void {
    if (this.#byUsername.has(account.username)) {
      throw new ConfigurationError(`invalid users: ${account.username} occurs twice`);
    }
    this.#byUsername.set(account.username, account);
    for (const identity of account.identities) {
      const key = this.#key(identity);
      if (key === undefined) {
        throw new ConfigurationError(
          `invalid identity ${JSON.stringify(identity)} of ${account.username}: expected e.g. sip:bob@domain.test or tel:+15551234`,
        );
      }
      const other = this.#byIdentity.get(key);
      if (other) {
        throw new ConfigurationError(
          `invalid users: ${identity} belongs to both ${other.account.username} and ${account.username}`,
        );
      }
      this.#byIdentity.set(key, { account, identity });
    }
  }
}

function* accountsOf(users: Users, domain: string): Generator<Account> {
  const list: readonly (UserOptions & { readonly username: string })[] = isList(users)
    ? users
    : Object.entries(users).map(([username, options]) => ({ ...options, username }));
  for (const { username, password, identities } of list) {
    if (typeof username !== 'string' || username === '') {
      throw new ConfigurationError('invalid users: expected a name for each user');
    }
    if (typeof password !== 'string') {
      throw new ConfigurationError(
        `invalid users: ${username} has no password: expected { "password": "…" }`,
      );
    }
    const own = new SipUri({ user: username, host: domain }).toString();
    const [first = own, ...others] = identities ?? [];
    yield { username, password, identities: [first, ...others] };
  }
}

function isList(users: Users): users is readonly (UserOptions & { readonly username: string })[] {
  return Array.isArray(users);
}
