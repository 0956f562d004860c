/** An offer of one file and its answer. */

import {
  type AcceptingLine,
  type AnswerLine,
  buildAnswer,
  buildOffer,
  type OfferDescription,
  type OfferLine,
  parseAnswer,
  parseOffer,
} from '../../core/sdp/index.js';

export const SHA1 = '72245fe8653ddaf371362f86d471913ee4a2ce2e';

export const origin = { id: '7', version: 0 };

export function offerLine(line: Partial<OfferLine> = {}): OfferLine {
  return {
    protocol: 'TCP/MSRP',
    port: 7654,
    path: ['msrp://192.0.2.1:7654/one;tcp'],
    acceptTypes: ['image/jpeg'],
    file: {
      selector: { name: 'picture.jpg', type: 'image/jpeg', size: 4092, sha1: SHA1 },
      transferId: 'a3cd20b8ae7f',
      disposition: 'render',
    },
    ...line,
  };
}

export function offerOf(...lines: OfferLine[]): OfferDescription {
  return { origin, host: '192.0.2.1', lines };
}

export function accepting(line: Partial<AcceptingLine> = {}): AcceptingLine {
  return {
    type: 'accepted',
    port: 9,
    path: ['msrp://192.0.2.9:9/two;tcp'],
    acceptTypes: ['image/*'],
    ...line,
  };
}

export function answerTo(offer: OfferDescription, ...lines: AnswerLine[]): Uint8Array {
  return buildAnswer(parseOffer(buildOffer(offer)), { origin, host: '192.0.2.9', lines });
}

/** The receiver's answer, as the sender parses it. */
export function negotiate(offer: OfferDescription, ...lines: AnswerLine[]) {
  return parseAnswer(answerTo(offer, ...lines), offer);
}
