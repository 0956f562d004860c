/** The `fetch` service. */

import type { AllowList } from '../content/fetch/allow-list.js';
import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import { codingsOf, unfolded } from '../content/fetch/unfolded.js';
import { readAll } from '../content/streams.js';
import { AppError } from '../errors.js';
import { handled } from './deadline.js';
import { inject, injectable } from './injection.js';
import { fetchPermission } from './permissions.js';
import type { AppFetch, AppFetchOptions, AppFetchResponse } from './services.js';
import { APP_SCOPE, type AppScope, FETCHER } from './tokens.js';

@injectable()
export class FetchService {
  private readonly within: AllowList | undefined;

  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(FETCHER) private readonly fetcher: GuardedFetch,
  ) {
    this.within = fetchPermission(scope.permissions);
  }

  readonly fetch: AppFetch = (url, options = {}) => handled(this.request(url, options));

  private async request(url: string, options: AppFetchOptions): Promise<AppFetchResponse> {
    if (!this.scope.active) throw new AppError(this.scope.eventAppId, `cannot fetch ${url}: it was stopped`);
    const headers = { 'accept-encoding': 'gzip, deflate', ...options.headers };
    const { within } = this;
    const response = await this.fetcher.fetch(url, { ...options, headers, ...(within ? { within } : {}) });
    try {
      const codings = codingsOf(response.headers['content-encoding']);
      const limit = Math.min(options.maxSize ?? this.fetcher.maxSize, this.fetcher.maxSize);
      const body = unfolded(response.body, codings, limit);
      return {
        url: response.url,
        status: response.status,
        headers: response.headers,
        body,
        bytes: (most) => readAll(body, most),
      };
    } catch (error) {
      await response.body.cancel();
      throw error;
    }
  }
}
