/** What a User Agent Profile says of a terminal (OMA-TS-UAProf; TS 5.2-02). */

import CachePolicy from 'http-cache-semantics';
import { Slots } from '../app/application/slots.js';
import { canonicalEventAppId } from '../app/contract/event-app-id.js';
import { readAll } from '../content/content.js';
import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import { readProfile } from '../content/user-agent-profile.js';
import { TransportError } from '../errors.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { ProfileFacts } from './terminals/terminal.js';

/** @throws MalformedError */
export function profileFacts(document: Uint8Array): ProfileFacts {
  const { applications, mediaTypes, maxSize } = readProfile(document);
  return {
    // `*`: whatever it has.
    ...(applications === undefined || applications.includes('*')
      ? {}
      : { apps: applications.map(canonicalEventAppId) }),
    types: mediaTypes,
    maxSize,
  };
}

/** User Agent Profiles of terminals, fetched once and kept as long as their servers allow (TS 5.2-02, RFC 9111). */

export interface ProfilesOptions<Profile> {
  fetcher: Pick<GuardedFetch, 'fetch'>;
  /** @throws MalformedError */
  parse(document: Uint8Array): Profile;
  /** Of a profile that could not be had. */
  onError?(url: string, error: unknown): void;
  clock?: Pick<Clock, 'now'>;
}

interface Kept<Profile> {
  profile: Profile;
  policy: CachePolicy;
}

/** As much as is read of any XML; real ones have 10 to 40 KB. */
const MAX_DOCUMENT = 65_536;
/** Profiles kept: models of phones, rather than phones. The one not asked for longest goes first. */
const MAX_KEPT = 1000;
/** Requests at a time, and those that wait for one; a thousand terminals may come at once. */
const FETCHES = 8;
const WAITING = 1000;
/** A server that failed is not asked for the same again, milliseconds. */
const RETRY_AFTER = 60_000;
const TYPES = 'application/rdf+xml, application/xml;q=0.5';

export class Profiles<Profile> {
  /** The one not asked for longest first. */
  readonly #kept = new Map<string, Kept<Profile>>();
  readonly #underWay = new Map<string, Promise<Profile | undefined>>();
  /** When each failed, milliseconds since 1970. */
  readonly #failed = new Map<string, number>();
  readonly #slots = new Slots(FETCHES, WAITING);
  readonly #abort = new AbortController();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(private readonly options: ProfilesOptions<Profile>) {
    this.#clock = options.clock ?? systemClock;
  }

  /** Undefined where it cannot be had; never rejects. */
  of(url: string): Promise<Profile | undefined> {
    const underWay = this.#underWay.get(url);
    if (underWay) return underWay;
    const kept = this.#kept.get(url);
    if (kept?.policy.satisfiesWithoutRevalidation(requestOf(url))) {
      remember(this.#kept, url, kept);
      return Promise.resolve(kept.profile);
    }
    const failed = this.#failed.get(url);
    if (failed !== undefined && this.#clock.now() < failed + RETRY_AFTER)
      return Promise.resolve(kept?.profile);
    const fetched = this.#fetch(url, kept)
      .catch((error: unknown) => {
        if (this.#abort.signal.aborted) return undefined;
        remember(this.#failed, url, this.#clock.now());
        this.options.onError?.(url, error);
        return kept?.profile;
      })
      .finally(() => this.#underWay.delete(url));
    this.#underWay.set(url, fetched);
    return fetched;
  }

  close(): void {
    this.#abort.abort();
    this.#slots.close();
  }

  async #fetch(url: string, kept: Kept<Profile> | undefined): Promise<Profile | undefined> {
    const turn = this.#slots.enter('sender');
    if (!turn) throw new TransportError(`more than ${WAITING} profiles wait to be fetched`);
    try {
      if (!(await turn.ready)) return undefined;
      return await this.#exchange(url, kept);
    } finally {
      turn.leave();
    }
  }

  async #exchange(url: string, kept: Kept<Profile> | undefined): Promise<Profile> {
    const request = requestOf(url);
    const headers = textHeaders(kept?.policy.revalidationHeaders(request) ?? request.headers);
    const response = await this.options.fetcher.fetch(url, {
      headers,
      maxSize: MAX_DOCUMENT,
      signal: this.#abort.signal,
    });
    if (kept && response.status === 304) {
      await response.body.cancel();
      const { policy } = kept.policy.revalidatedPolicy(request, response);
      remember(this.#kept, url, { ...kept, policy });
      return kept.profile;
    }
    if (response.status !== 200) {
      await response.body.cancel();
      throw new TransportError(`${url}: expected a profile, found HTTP status ${response.status}`);
    }
    const profile = this.options.parse(await readAll(response.body, MAX_DOCUMENT));
    const policy = new CachePolicy(request, response, { shared: false });
    this.#failed.delete(url);
    if (policy.storable()) remember(this.#kept, url, { profile, policy });
    else this.#kept.delete(url);
    return profile;
  }
}

function requestOf(url: string): { url: string; method: 'GET'; headers: Record<string, string> } {
  return { url, method: 'GET', headers: { accept: TYPES } };
}

/** At the end of those kept; the first makes room. */
function remember<Value>(kept: Map<string, Value>, url: string, value: Value): void {
  kept.delete(url);
  kept.set(url, value);
  const [first] = kept.size > MAX_KEPT ? kept.keys() : [];
  if (first !== undefined) kept.delete(first);
}

function textHeaders(headers: CachePolicy.Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
