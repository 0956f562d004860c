/** What an application writes of its own: to its storage, and of its alarms. */

import { ConfigurationError } from '../../errors.js';
import type { Records, Write } from '../../store/records.js';
import type { CommitOperation } from '../contract/push-app.js';
import type { Alarms } from './alarms.js';
import { alarmChange, requireOperations, storageWrite } from './app-values.js';

/** Operations that were checked. */
export interface Batch {
  /**
   * Writes `more` and them in one, synced, in this order: where both have a key, theirs counts.
   * @throws LimitError when the application would have more than it may, StoreError: nothing is written then.
   */
  write(more?: readonly Write[]): Promise<void>;
}

export interface AppWritesParts {
  namespace: string;
  records: Records;
  /** Writes to its storage where there is a bound to that. */
  account?: { write(own: readonly Write[], more: readonly Write[]): Promise<void> };
  /** Of an application that needs `schedule`. */
  alarms?: Alarms;
}

export class AppWrites {
  constructor(private readonly parts: AppWritesParts) {}

  /** @throws ConfigurationError or LimitError saying which operation is wrong, and what was expected. */
  batch(operations: readonly CommitOperation[]): Batch {
    requireOperations(operations);
    const { namespace, alarms } = this.parts;
    const storage: Write[] = [];
    const changes = operations.flatMap((operation) => {
      if (operation.type === 'put' || operation.type === 'delete') {
        storage.push(storageWrite(namespace, operation));
        return [];
      }
      requireAlarmOperation(operation);
      if (alarms) return [alarmChange(operation)];
      throw new ConfigurationError(
        `operation of type "${operation.type}": alarms are for applications that need them; add "schedule" to needs`,
      );
    });
    if (!alarms || changes.length === 0) return { write: (more = []) => this.#write(storage, more) };
    return {
      write: (more = []) => alarms.change(changes, (writes) => this.#write(storage, [...more, ...writes])),
    };
  }

  async #write(storage: readonly Write[], more: readonly Write[]): Promise<void> {
    const { account, records } = this.parts;
    if (account && storage.length > 0) await account.write(storage, more);
    else await records.write([...storage, ...more], 'synced');
  }
}

function requireAlarmOperation(operation: CommitOperation): void {
  const type: unknown = Object(operation).type;
  if (type === 'alarm' || type === 'cancel') return;
  throw new ConfigurationError(
    `storage operation of type ${JSON.stringify(type)}: expected "put" or "delete", or for alarms "alarm" or "cancel"`,
  );
}
