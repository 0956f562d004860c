/**
 * The HTTP body of a PAP message: a document alone (application/xml), or `multipart/related` whose first part is the document,
 * the control entity. The content of a push is the second part, the assumed capabilities of the recipient the third.
 */

import { type MediaType, memoryContent, readAll } from '../content/content.js';
import { formatMediaType, readMediaType } from '../content/media-type.js';
import { withBoundary } from '../content/multipart/boundary.js';
import { mimeMultipartSize } from '../content/multipart/mime-multipart.js';
import { readMultipart, writeMultipart } from '../content/multipart/multipart.js';
import type { ContentPart, StreamedParts } from '../content/multipart/part.js';
import { LimitError, MalformedError } from '../errors.js';
import { type PapDocument, readPapDocument } from './document.js';

/** Most bytes of a control entity. */
export const MAX_CONTROL_ENTITY = 65_536;

const CONTROL: MediaType = { type: 'application/xml', parameters: { charset: 'UTF-8' } };
const CONTROL_TYPES = ['application/xml', 'text/xml'];
const RELATED = 'multipart/related';

/** A message that was received. */
export interface PapPackage extends PapDocument {
  /** The parts after the control entity, if the message is a multipart. Read them in order, or call `return`. */
  readonly parts?: StreamedParts;
}

/**
 * Reads the control entity of a message.
 * @param contentType value of Content-Type.
 * @param body is read to the end of the control entity. The caller cancels it after an error.
 * @throws PapVersionError, MalformedError, LimitError
 */
export async function readPapPackage(
  contentType: string,
  body: ReadableStream<Uint8Array>,
): Promise<PapPackage> {
  const type = readMediaType(contentType);
  if (type && isControl(type)) return await readControl(type, body);
  if (type?.type !== RELATED) {
    throw new MalformedError(
      `PAP: invalid Content-Type "${contentType.slice(0, 100)}": expected application/xml or multipart/related`,
    );
  }
  const parts = readMultipart(type, body);
  try {
    const { value: first } = await parts.next();
    if (!first) throw new MalformedError('PAP: missing control entity: expected it in the first part');
    if (!isControl(first.type)) {
      throw new MalformedError(
        `PAP: invalid first part ${formatMediaType(first.type)}: expected the control entity, application/xml`,
      );
    }
    return { ...(await readControl(first.type, first.body)), parts };
  } catch (error) {
    await parts.return();
    throw error;
  }
}

function isControl({ type }: MediaType): boolean {
  return CONTROL_TYPES.includes(type);
}

async function readControl(
  { parameters }: MediaType,
  body: ReadableStream<Uint8Array>,
): Promise<PapDocument> {
  try {
    return readPapDocument(await readAll(body, MAX_CONTROL_ENTITY), parameters.charset);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    throw new LimitError(`PAP: control entity of more than ${MAX_CONTROL_ENTITY} bytes`, { cause: error });
  }
}

/** A message to send. It can be opened several times. */
export interface OutgoingPackage {
  /** Media type, with the boundary. */
  readonly type: MediaType;
  /** Size in bytes, if the size of each part is known. */
  readonly size?: number;
  /** The body. */
  open(): ReadableStream<Uint8Array>;
}

/**
 * Writes a message.
 * @param document the control entity.
 * @param parts the parts after it, such as the content of a push.
 */
export function writePapPackage(document: Uint8Array, parts: readonly ContentPart[] = []): OutgoingPackage {
  const control = memoryContent(CONTROL, document);
  if (parts.length === 0) return { type: CONTROL, size: document.length, open: () => control.open() };
  const type = withBoundary({ type: RELATED, parameters: { type: CONTROL.type } });
  const all = [{ headers: [], content: control }, ...parts];
  return { type, size: mimeMultipartSize(type, all), open: () => writeMultipart(type, all) };
}
