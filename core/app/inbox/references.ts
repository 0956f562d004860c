/** References to content elsewhere that were confirmed, on disk until the content has been had, or has expired. */

import type { ExternalBody } from '../../content/external-body.js';
import { MalformedError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import { decodeJson, encodeJson, REFERENCE_PREFIX, type Records } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { RuntimeLimits } from '../limits.js';
import { InboxFull } from './inbox.js';

/** A push whose content is still elsewhere, as it stands in the store. */
export interface ReferenceRecord {
  readonly id: string;
  /** Canonical event-app-id and, where it has one, IARI of the application it was accepted for. */
  readonly app: string;
  readonly iari?: string;
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fileName?: string;
  readonly reference: ExternalBody;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

export class References {
  readonly #held = new Map<string, ReferenceRecord>();

  private constructor(
    private readonly records: Records,
    private readonly limits: RuntimeLimits,
  ) {}

  static async open(records: Records, limits: RuntimeLimits, log: LogSink): Promise<References> {
    const references = new References(records, limits);
    for await (const [id, bytes] of records.entries(REFERENCE_PREFIX)) {
      try {
        references.#held.set(id, decode(bytes));
      } catch (error) {
        // Left where it is: somebody may be able to read it.
        log({ level: 'error', message: `reference ${id} in the store cannot be read: ${reasonOf(error)}` });
      }
    }
    return references;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  all(): ReferenceRecord[] {
    return [...this.#held.values()];
  }

  /** On disk when it resolves. @throws InboxFull, or StoreError when the store does not write. */
  async add(record: ReferenceRecord): Promise<void> {
    const { references } = this.limits;
    if (this.#held.size >= references)
      throw new InboxFull(`${references} references wait, the most that may`);
    this.#held.set(record.id, record);
    try {
      await this.records.write(
        [{ type: 'put', key: REFERENCE_PREFIX + record.id, value: encodeJson(record) }],
        'synced',
      );
    } catch (error) {
      this.#held.delete(record.id);
      throw error;
    }
  }

  /** @throws StoreError; it is forgotten all the same, and comes back after a restart. */
  async remove(id: string): Promise<void> {
    if (this.#held.delete(id))
      await this.records.write([{ type: 'del', key: REFERENCE_PREFIX + id }], 'written');
  }
}

function decode(bytes: Uint8Array): ReferenceRecord {
  const value = decodeJson(bytes);
  if (!isRecord(value)) throw new MalformedError('a reference in the store lacks its fields');
  return value;
}

function isRecord(value: unknown): value is ReferenceRecord {
  if (typeof value !== 'object' || value === null) return false;
  const {
    id,
    app,
    key,
    from,
    to,
    headers,
    reference,
    receivedAt,
  }: Partial<Record<keyof ReferenceRecord, unknown>> = value;
  return (
    [id, app, key, from, to].every((text) => typeof text === 'string') &&
    [headers, reference].every((object) => typeof object === 'object' && object !== null) &&
    Number.isFinite(receivedAt)
  );
}

export const REFERENCES: InjectionToken<References> = Symbol('references');
