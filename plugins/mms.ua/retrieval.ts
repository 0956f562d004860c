/** Why an exchange with an MMSC came to nothing, and when it makes sense again. */

import {
  headerOf,
  type MmsRetrieveStatus,
  type MmsStreamedRetrieval,
  readRetrieval,
  type StreamedPart,
} from 'sip-push/formats';
import {
  type AppFetch,
  type AppFiles,
  FetchError,
  isTransient,
  MalformedError,
  printable,
  printableReason,
} from 'sip-push/sdk';
import { type MessagePart, type RetrievedContent, truncate } from './message.js';

/** Milliseconds until the second attempt; each later one waits twice as long. */
const FIRST_RETRY = 5_000;
const LONGEST_RETRY = 1_800_000;
/** About six hours with the waiting times above: an MMSC that is out of order for longer is asked by hand. */
export const MAX_ATTEMPTS = 20;
const GONE_STATUS = new Set([404, 410]);

/**
 * `transient` may be over later; `malformed` is not what was expected, which a page of a network that wants a log-in
 * may be; `final` stays as it is; `gone`: the MMSC does not have the message.
 */
type Kind = 'transient' | 'malformed' | 'final' | 'gone';

export class MmscError extends Error {
  constructor(
    readonly kind: Kind,
    reason: string,
    /** Milliseconds, where the MMSC named a time. */
    readonly retryAfter = 0,
  ) {
    super(reason);
  }
}

export function failureOf(error: unknown): MmscError {
  if (error instanceof MmscError) return error;
  const reason = printableReason(error);
  if (error instanceof MalformedError) return new MmscError('malformed', reason);
  if (!(error instanceof FetchError))
    return new MmscError(isTransient(error) ? 'transient' : 'final', reason);
  const { status = 0, retryAfter = 0, transient } = error;
  if (GONE_STATUS.has(status)) return new MmscError('gone', reason);
  return new MmscError(
    transient ? 'transient' : 'final',
    reason,
    Math.min(retryAfter * 1000, LONGEST_RETRY),
  );
}

/** Milliseconds. Spread, so that those who failed together do not come again together. */
export function waitAfter(attempts: number, retryAfter = 0): number {
  const longest = Math.min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY);
  return Math.round(Math.max(longest * (1 - Math.random() / 4), retryAfter));
}

/** One attempt to retrieve a message: its parts go to files as they come. */

export const MMS_TYPE = 'application/vnd.wap.mms-message';
/** Real ones have a few dozen, each of which is a file. */
const MAX_PARTS = 100;

export interface RetrievalServices {
  readonly fetch: AppFetch;
  readonly files: AppFiles;
  readonly signal: AbortSignal;
}

/** Rejects, with nothing of it left, as `fetch` and `files` do, with MmscFailure, or with MalformedError. */
export async function retrieve(url: string, services: RetrievalServices): Promise<RetrievedContent> {
  const { fetch, signal } = services;
  const response = await fetch(url, { headers: { accept: MMS_TYPE }, signal });
  const { status } = response;
  if (status !== 200) {
    await response.body.cancel();
    // A success without the message.
    if (status < 300) throw new MmscError('malformed', `the server answered ${status}`);
    throw FetchError.ofStatus(response);
  }
  const retrieval = await readRetrieval(response.body);
  const { transactionId, messageId, from, subject, date, readReport = false } = retrieval;
  return {
    transactionId,
    messageId,
    from: from === undefined ? undefined : truncate(from),
    subject: subject === undefined ? undefined : truncate(subject),
    date: date.toISOString(),
    readReport,
    parts: await partsOf(retrieval, services.files),
  };
}

async function partsOf(retrieval: MmsStreamedRetrieval, files: AppFiles): Promise<MessagePart[]> {
  const { content, retrieveStatus = 'ok', retrieveText, version } = retrieval;
  const parts: MessagePart[] = [];
  try {
    // OMA-TS-MMS_ENC 8: another major version may mean anything by its fields.
    if (!version.startsWith('1')) {
      throw new MmscError('malformed', `MMS version ${version}, expected 1.x`);
    }
    if (retrieveStatus !== 'ok') throw retrieveFailure(retrieveStatus, retrieveText);
    for await (const part of content?.parts ?? []) {
      if (parts.length === MAX_PARTS) throw new MmscError('malformed', `more than ${MAX_PARTS} parts`);
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
    // What cannot be removed now goes at the next start.
    for (const { file } of parts) await files.remove(file).catch(() => undefined);
    throw error;
  }
}

/** OMA-TS-MMS_ENC 7.3.50 */
function retrieveFailure(status: MmsRetrieveStatus, text: string | undefined): MmscError {
  const reason = text === undefined ? status : `${status}: ${printable(truncate(text))}`;
  if (status === 'permanent-message-not-found') return new MmscError('gone', reason);
  return new MmscError(status.startsWith('permanent') ? 'final' : 'transient', reason);
}

/** What a part is called: by a file name, where there is one. */
function nameOf({ type, headers }: StreamedPart): string | undefined {
  const name =
    headerOf(headers, 'Content-Location') ||
    type.parameters.name ||
    type.parameters.filename ||
    headerOf(headers, 'Content-ID')?.replace(/^<(.*)>$/, '$1');
  return name ? truncate(printable(name)) : undefined;
}
