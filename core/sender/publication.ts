/** Content that is served at a URL, and its record. */

import type { Content } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import { MalformedError } from '../errors.js';
import { decodeJson } from '../store/records.js';

/** A publication in the store. */
export interface PublicationRecord {
  /** Last part of the path of its URL. */
  readonly name: string;
  /** The push, the file and the address that it is for. */
  readonly owner: string;
  /** Id of its content. */
  readonly id: string;
  readonly sha256: string;
  /** SHA-1 in hexadecimal. */
  readonly sha1: string;
  readonly size: number;
  /** Media type. */
  readonly type: string;
  /** Content coding of the bytes. */
  readonly coding?: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiration: number;
  /** Whether the whole content was retrieved. */
  readonly retrieved: boolean;
}

/** Content at a URL, until it is withdrawn or expires. */
export class Publication {
  /** How often the whole content was retrieved, by this process. */
  timesFetched = 0;
  /** An earlier attempt sent the URL: its receiver may have confirmed the reference, although no answer arrived. */
  reused = false;
  /** Responses started by this process, since the URL was last sent. */
  started = 0;
  /** Responses in progress. */
  active = 0;
  /** Cancels the expiration. */
  cancel = () => {};

  constructor(
    readonly url: string,
    public record: PublicationRecord,
    readonly content: Content,
    readonly coding: ContentCoding | undefined,
    readonly withdraw: () => void,
  ) {}

  /** In bytes. */
  get size(): number {
    return this.record.size;
  }

  /** SHA-1 in hexadecimal. */
  get hash(): string {
    return this.record.sha1;
  }

  /** Milliseconds since 1970. */
  get expiration(): number {
    return this.record.expiration;
  }
}

/** @throws MalformedError for bytes that are not a record. */
export function decodePublication(bytes: Uint8Array): PublicationRecord {
  const {
    name,
    owner,
    id,
    sha256,
    sha1,
    size,
    type,
    coding,
    expiration,
    retrieved,
  }: Record<string, unknown> = Object(decodeJson(bytes));
  if (
    typeof name !== 'string' ||
    typeof owner !== 'string' ||
    typeof id !== 'string' ||
    typeof sha256 !== 'string' ||
    typeof sha1 !== 'string' ||
    typeof size !== 'number' ||
    typeof type !== 'string' ||
    (coding !== undefined && typeof coding !== 'string') ||
    typeof expiration !== 'number' ||
    typeof retrieved !== 'boolean'
  ) {
    throw new MalformedError('invalid publication: expected its name, content and expiration');
  }
  return { name, owner, id, sha256, sha1, size, type, coding, expiration, retrieved };
}
