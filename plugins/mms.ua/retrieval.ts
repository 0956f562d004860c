/** One attempt to retrieve a message: its parts go to files as they come. */

import {
  headerOf,
  type MmsRetrieveStatus,
  type MmsStreamedRetrieval,
  readRetrieval,
  type StreamedPart,
} from 'sip-push/formats';
import { type AppFetch, type AppFiles, FetchError, printable } from 'sip-push/sdk';
import { MmscFailure } from './failure.js';
import { type MessagePart, type RetrievedContent, shortened } from './message.js';

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
    if (status < 300) throw new MmscFailure('malformed', `the server answered ${status}`);
    throw FetchError.ofStatus(response);
  }
  const retrieval = await readRetrieval(response.body);
  const { transactionId, messageId, from, subject, date, readReport = false } = retrieval;
  return {
    transactionId,
    messageId,
    from: from === undefined ? undefined : shortened(from),
    subject: subject === undefined ? undefined : shortened(subject),
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
      throw new MmscFailure('malformed', `MMS version ${version}, expected 1.x`);
    }
    if (retrieveStatus !== 'ok') throw retrieveFailure(retrieveStatus, retrieveText);
    for await (const part of content?.parts ?? []) {
      if (parts.length === MAX_PARTS) throw new MmscFailure('malformed', `more than ${MAX_PARTS} parts`);
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
function retrieveFailure(status: MmsRetrieveStatus, text: string | undefined): MmscFailure {
  const reason = text === undefined ? status : `${status}: ${printable(shortened(text))}`;
  if (status === 'permanent-message-not-found') return new MmscFailure('gone', reason);
  return new MmscFailure(status.startsWith('permanent') ? 'final' : 'transient', reason);
}

/** What a part is called: by a file name, where there is one. */
function nameOf({ type, headers }: StreamedPart): string | undefined {
  const name =
    headerOf(headers, 'Content-Location') ||
    type.parameters.name ||
    type.parameters.filename ||
    headerOf(headers, 'Content-ID')?.replace(/^<(.*)>$/, '$1');
  return name ? shortened(printable(name)) : undefined;
}
