/** The `fetch` service. */

import { readAll } from '../../content/content.js';
import type { AllowList } from '../../content/fetch/allow-list.js';
import { codingsOf, decodedBody } from '../../content/fetch/download.js';
import type { GuardedFetch } from '../../content/fetch/guarded-fetch.js';
import { inject, injectable } from '../../injection.js';
import { handled } from '../../time/deadline.js';
import { fetchPermission } from '../contract/permissions.js';
import type { AppFetch, AppFetchOptions, AppFetchResponse } from '../contract/services.js';
import { FETCHER } from '../foundations.js';
import { APP_SCOPE, type AppScope, requireActive } from './app-scope.js';

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
    requireActive(this.scope, `fetch ${url}`);
    const headers = { 'accept-encoding': 'gzip, deflate', ...options.headers };
    const { within: restrictTo } = this;
    const response = await this.fetcher.fetch(url, { ...options, headers, restrictTo });
    try {
      const codings = codingsOf(response.headers['content-encoding']);
      const limit = Math.min(options.maxSize ?? this.fetcher.maxSize, this.fetcher.maxSize);
      const body = decodedBody(response.body, codings, limit);
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
