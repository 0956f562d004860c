/** The `storage` service. */

import { AppError, ConfigurationError } from '../errors.js';
import type { StorageOperation } from './contract.js';
import { handled } from './deadline.js';
import { inject, injectable } from './injection.js';
import type { Records } from './records.js';
import type { AppStorage, StorageRange } from './services.js';
import { decodeValue, storageKey } from './storage-values.js';
import { APP_SCOPE, type AppScope, RECORDS } from './tokens.js';

@injectable()
export class StorageService implements AppStorage {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(RECORDS) private readonly records: Records,
  ) {}

  get(key: string): Promise<unknown> {
    return handled(this.read(key));
  }

  put(key: string, value: unknown): Promise<void> {
    return handled(this.write({ type: 'put', key, value }));
  }

  delete(key: string): Promise<void> {
    return handled(this.write({ type: 'delete', key }));
  }

  async *entries({ prefix = '', after, limit }: StorageRange = {}): AsyncGenerator<[string, unknown]> {
    this.requireActive();
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 0)) {
      throw new ConfigurationError(`entries: limit ${limit}: expected a whole number, 0 or more`);
    }
    if (after !== undefined && !after.startsWith(prefix)) {
      throw new ConfigurationError(`entries: after "${after}": expected a key that begins with "${prefix}"`);
    }
    let left = limit ?? Number.POSITIVE_INFINITY;
    if (left === 0) return;
    const range = storageKey(this.scope.namespace, prefix);
    for await (const [rest, value] of this.records.entries(range, after?.slice(prefix.length))) {
      yield [prefix + rest, decodeValue(value)];
      if (--left === 0) return;
    }
  }

  private async read(key: string): Promise<unknown> {
    this.requireActive();
    const bytes = await this.records.get(storageKey(this.scope.namespace, key));
    return bytes && decodeValue(bytes);
  }

  private async write(operation: StorageOperation): Promise<void> {
    this.requireActive();
    await this.scope.own.batch([operation]).write();
  }

  private requireActive(): void {
    if (!this.scope.active)
      throw new AppError(this.scope.eventAppId, 'its storage is closed: it was stopped');
  }
}
