/** User Agent Profiles of terminals (OMA-TS-UAProf; TS 5.2-02), cached as HTTP allows (RFC 9111). */

import CachePolicy from 'http-cache-semantics';
import { Slots } from '../../app/application/slots.js';
import { canonicalEventAppId } from '../../app/contract/event-app-id.js';
import { readAll } from '../../content/content.js';
import type { GuardedFetch } from '../../content/fetch/guarded-fetch.js';
import { readProfile } from '../../content/user-agent-profile.js';
import { TransportError } from '../../errors.js';
import { type Clock, systemClock } from '../../time/clock.js';
import type { ProfileFacts } from './terminal.js';

/** @throws MalformedError */
export function profileFacts(document: Uint8Array): ProfileFacts {
  const { applications, mediaTypes, maxSize } = readProfile(document);
  return {
    // `*` stands for any application.
    apps: applications?.includes('*') ? undefined : applications?.map(canonicalEventAppId),
    types: mediaTypes,
    maxSize,
  };
}

export interface ProfileCacheOptions<Profile> {
  fetcher: Pick<GuardedFetch, 'fetch'>;
  /** @throws MalformedError */
  parse(document: Uint8Array): Profile;
  /** Reports a profile that could not be fetched or parsed. */
  onError?(url: string, error: unknown): void;
  clock?: Pick<Clock, 'now'>;
}

interface CachedProfile<Profile> {
  profile: Profile;
  policy: CachePolicy;
}

/** Size limit of a profile in bytes; real profiles have 10 to 40 KB. */
const MAX_DOCUMENT = 65_536;
/** Cached profiles, about one per model of phone. The least recently used one is removed first. */
const MAX_CACHED = 1000;
/** Concurrent requests, and requests that may wait; many terminals can register at once. */
const MAX_REQUESTS = 8;
const MAX_WAITING = 1000;
/** Time after a failed request in which it is not repeated, in milliseconds. */
const RETRY_AFTER = 60_000;
const TYPES = 'application/rdf+xml, application/xml;q=0.5';

export class ProfileCache<Profile> {
  /** By URL, the least recently used one first. */
  readonly #cached = new Map<string, CachedProfile<Profile>>();
  readonly #requests = new Map<string, Promise<Profile | undefined>>();
  /** By URL: when the request failed, in milliseconds since 1970. */
  readonly #failed = new Map<string, number>();
  readonly #slots = new Slots(MAX_REQUESTS, MAX_WAITING);
  readonly #abort = new AbortController();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(private readonly options: ProfileCacheOptions<Profile>) {
    this.#clock = options.clock ?? systemClock;
  }

  /** Fetches a profile, or uses the cache. Resolves with undefined on failure; never rejects. */
  get(url: string): Promise<Profile | undefined> {
    const request = this.#requests.get(url);
    if (request) return request;
    const cached = this.#cached.get(url);
    if (cached?.policy.satisfiesWithoutRevalidation(requestOf(url))) {
      remember(this.#cached, url, cached);
      return Promise.resolve(cached.profile);
    }
    const failed = this.#failed.get(url);
    if (failed !== undefined && this.#clock.now() < failed + RETRY_AFTER)
      return Promise.resolve(cached?.profile);
    const fetched = this.#fetch(url, cached)
      .catch((error: unknown) => {
        if (this.#abort.signal.aborted) return undefined;
        remember(this.#failed, url, this.#clock.now());
        this.options.onError?.(url, error);
        return cached?.profile;
      })
      .finally(() => this.#requests.delete(url));
    this.#requests.set(url, fetched);
    return fetched;
  }

  close(): void {
    this.#abort.abort();
    this.#slots.close();
  }

  async #fetch(url: string, cached: CachedProfile<Profile> | undefined): Promise<Profile | undefined> {
    const slot = this.#slots.enter('sender');
    if (!slot) throw new TransportError(`more than ${MAX_WAITING} profiles wait to be fetched`);
    try {
      if (!(await slot.ready)) return undefined;
      return await this.#exchange(url, cached);
    } finally {
      slot.leave();
    }
  }

  async #exchange(url: string, cached: CachedProfile<Profile> | undefined): Promise<Profile> {
    const request = requestOf(url);
    const headers = textHeaders(cached?.policy.revalidationHeaders(request) ?? request.headers);
    const response = await this.options.fetcher.fetch(url, {
      headers,
      maxSize: MAX_DOCUMENT,
      signal: this.#abort.signal,
    });
    if (cached && response.status === 304) {
      await response.body.cancel();
      const { policy } = cached.policy.revalidatedPolicy(request, response);
      remember(this.#cached, url, { ...cached, policy });
      return cached.profile;
    }
    if (response.status !== 200) {
      await response.body.cancel();
      throw new TransportError(`${url} answered HTTP status ${response.status}: expected 200 and a profile`);
    }
    const profile = this.options.parse(await readAll(response.body, MAX_DOCUMENT));
    const policy = new CachePolicy(request, response, { shared: false });
    this.#failed.delete(url);
    if (policy.storable()) remember(this.#cached, url, { profile, policy });
    else this.#cached.delete(url);
    return profile;
  }
}

function requestOf(url: string): { url: string; method: 'GET'; headers: Record<string, string> } {
  return { url, method: 'GET', headers: { accept: TYPES } };
}

/** Inserts at the end, and removes the first entry beyond the limit. */
function remember<Value>(cache: Map<string, Value>, url: string, value: Value): void {
  cache.delete(url);
  cache.set(url, value);
  const [first] = cache.size > MAX_CACHED ? cache.keys() : [];
  if (first !== undefined) cache.delete(first);
}

function textHeaders(headers: CachePolicy.Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
