/** What an answer means for the lines of an offer (RFC 3264 7, RFC 5547 8.4). */

import { MalformedError } from '../errors.js';
import { type MediaSection, parseDescription } from './description.js';
import { type FileDescription, type FileRange, readFile } from './file-description.js';
import { isHad } from './had.js';
import { isMsrp, type MsrpMedia, readMsrpMedia } from './media.js';
import type { OfferDescription, OfferLine } from './offer.js';

export type AnsweredLine =
  | AcceptedLine
  /** Port zero: the receiver does not want it, or not now. */
  | { type: 'refused' }
  /** The receiver has the file already, as a whole. */
  | { type: 'had' };

/** The receiver's side of a line. */
export interface AcceptedLine
  extends Pick<
    MsrpMedia,
    'host' | 'port' | 'path' | 'acceptTypes' | 'acceptWrappedTypes' | 'setup' | 'maxSize' | 'fingerprints'
  > {
  type: 'accepted';
  /** What it asks for of the file, within it; absent: all that was offered. */
  range?: FileRange;
}

/** @returns an answer for each line of `offer`, in its order. @throws MalformedError */
export function parseAnswer(body: Uint8Array, { lines }: Pick<OfferDescription, 'lines'>): AnsweredLine[] {
  const { media } = parseDescription(body);
  if (media.length !== lines.length) {
    throw new MalformedError(`${media.length} m= lines do not answer ${lines.length}`);
  }
  return lines.map((line, index) => {
    const section = media[index];
    return section ? answerOf(line, section, index) : { type: 'refused' };
  });
}

function answerOf(offered: OfferLine, section: MediaSection, index: number): AnsweredLine {
  if (offered.port === 0) return { type: 'refused' };
  if (section.port === 0) {
    return isHad(offered.file, readRefused(section)) ? { type: 'had' } : { type: 'refused' };
  }
  if (!isMsrp(section))
    throw new MalformedError(`m= line ${index + 1} answers MSRP with ${section.protocol}`);
  const media = readMsrpMedia(section, index);
  if (media.protocol !== offered.protocol) {
    throw new MalformedError(`m= line ${index + 1} answers ${offered.protocol} with ${media.protocol}`);
  }
  // RFC 3264 6.1: what is sent is received, or nothing is; saying nothing is taken for agreement.
  if (media.direction === 'inactive') return { type: 'refused' };
  if (media.direction === 'sendonly') {
    throw new MalformedError(`m= line ${index + 1} answers a=sendonly with a=sendonly`);
  }
  return accepted(offered, media, index);
}

function accepted(offered: OfferLine, media: MsrpMedia, index: number): AcceptedLine {
  const { host, port, path, acceptTypes, acceptWrappedTypes, setup, maxSize, fingerprints, file } = media;
  const range = file?.range;
  if (range) requireWithin(range, offered.file, index);
  return {
    type: 'accepted',
    ...{ host, port, path, acceptTypes, acceptWrappedTypes, fingerprints },
    ...(setup === undefined ? {} : { setup }),
    ...(maxSize === undefined ? {} : { maxSize }),
    ...(range === undefined ? {} : { range }),
  };
}

/** Nothing of a refused line is of use (RFC 3264 6), so nothing in it is an error. */
function readRefused({ attributes }: MediaSection): FileDescription | undefined {
  try {
    return readFile(attributes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Of an empty file there is no first byte to ask for; asking for it all the same does no harm. */
function requireWithin(
  { start, end = start }: FileRange,
  file: FileDescription | undefined,
  index: number,
): void {
  const size = file?.selector.size;
  if (size !== undefined && Math.max(start, end) > Math.max(size, 1)) {
    throw new MalformedError(`m= line ${index + 1} asks for bytes past the ${size} of its file`);
  }
}
