/** One attempt to retrieve a message: its parts are written to files as they arrive. */

import {
  decodeEncodedWords,
  headerOf,
  leafParts,
  type MmsRetrieveStatus,
  type MmsStreamedRetrieval,
  readRetrieval,
  type StreamedPart,
} from 'sip-push/formats';
import {
  type AppFetch,
  type AppFetchOptions,
  type AppFiles,
  FetchError,
  MalformedError,
  type RetryLimits,
} from 'sip-push/sdk';
import { type MessagePart, type RetrievedContent, truncate } from './message.js';

export const MMS_TYPE = 'application/vnd.wap.mms-message';
/** About six hours. If the MMSC is unavailable for longer, the user can retrieve the message later. */
export const MMSC_RETRY: RetryLimits = { first: 5_000, longest: 1_800_000, attempts: 20 };
const GONE_STATUS = new Set([404, 410]);

/**
 * `malformed`: the response is not an MMS PDU; it can be the login page of a network. `permanent`: a retry cannot
 * succeed. `gone`: the MMSC does not have the message.
 */
type RetrievalFailure = 'transient' | 'malformed' | 'permanent' | 'gone';

class MmscError extends Error {
  static {
    MmscError.prototype.name = 'MmscError';
  }

  constructor(
    readonly kind: RetrievalFailure,
    reason: string,
  ) {
    super(reason);
  }

  get transient(): boolean {
    return this.kind === 'transient' || this.kind === 'malformed';
  }
}

/** The kind of a failure, if the error shows it. */
export function failureOf(error: unknown): RetrievalFailure | undefined {
  if (error instanceof MmscError) return error.kind;
  if (error instanceof MalformedError) return 'malformed';
  return error instanceof FetchError && GONE_STATUS.has(error.status ?? 0) ? 'gone' : undefined;
}

/** Each part is a file. Real messages have up to a few dozen. */
const MAX_PARTS = 100;

export interface RetrievalServices {
  readonly fetch: AppFetch;
  readonly files: AppFiles;
  readonly signal: AbortSignal;
  /** What each request to the MMSC contains. */
  readonly request: Pick<AppFetchOptions, 'headers' | 'proxy'>;
  /** Reports a malformed field or header that is left out. */
  warn(problem: string): void;
}

/**
 * Leaves no files behind when it rejects.
 * @throws MmscError, MalformedError, and the errors of `fetch` and `files`.
 */
export async function retrieve(url: string, services: RetrievalServices): Promise<RetrievedContent> {
  const { fetch, signal, request } = services;
  const response = await fetch(url, { ...request, signal });
  const { status } = response;
  if (status !== 200) {
    await response.body.cancel();
    // 2xx other than 200 has no message.
    if (status < 300) throw new MmscError('malformed', `the server answered ${status}`);
    throw FetchError.ofStatus(response);
  }
  const retrieval = await readRetrieval(response.body);
  const { transactionId, messageId, from, subject, date, readReport = false } = retrieval;
  return {
    transactionId,
    messageId,
    from: from === undefined ? undefined : truncate(from),
    subject: subject === undefined ? undefined : truncate(decodeEncodedWords(subject)),
    date: date.toISOString(),
    readReport,
    parts: await partsOf(retrieval, services),
  };
}

async function partsOf(
  retrieval: MmsStreamedRetrieval,
  { files, warn }: RetrievalServices,
): Promise<MessagePart[]> {
  const { content, retrieveStatus = 'ok', retrieveText, version } = retrieval;
  const parts: MessagePart[] = [];
  try {
    // OMA-TS-MMS_ENC 8: fields can have another meaning in another major version.
    if (!version.startsWith('1')) {
      throw new MmscError('malformed', `invalid MMS version ${version}: expected 1.x`);
    }
    if (retrieveStatus !== 'ok') throw retrieveFailure(retrieveStatus, retrieveText);
    retrieval.warnings?.forEach(warn);
    for await (const part of content ? leafParts(content.parts) : []) {
      part.warnings?.forEach(warn);
      if (parts.length === MAX_PARTS)
        throw new MmscError('malformed', `the message has more than ${MAX_PARTS} parts`);
      const { name: file, size, sha256 } = await files.write(part.body);
      const { charset } = part.type.parameters;
      parts.push({
        contentType: part.type.type,
        charset,
        name: nameOf(part) ?? `part-${parts.length + 1}`,
        size,
        sha256,
        file,
      });
    }
    return parts;
  } catch (error) {
    await content?.parts.return();
    // Files that cannot be removed now are removed at the next start.
    for (const { file } of parts) await files.remove(file).catch(() => undefined);
    throw error;
  }
}

/** OMA-TS-MMS_ENC 7.3.50 */
function retrieveFailure(status: MmsRetrieveStatus, text: string | undefined): MmscError {
  const reason = text === undefined ? status : `${status}: ${truncate(text)}`;
  if (status === 'permanent-message-not-found') return new MmscError('gone', reason);
  return new MmscError(status.startsWith('permanent') ? 'permanent' : 'transient', reason);
}

/** The name of a part, preferably a file name. */
function nameOf({ type, headers }: StreamedPart): string | undefined {
  const name =
    headerOf(headers, 'Content-Location') ||
    type.parameters.name ||
    type.parameters.filename ||
    headerOf(headers, 'Content-ID')?.replace(/^<(.*)>$/, '$1');
  return name ? truncate(name) : undefined;
}
