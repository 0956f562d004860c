/** Offers and answers of files over MSRP. Knows no sockets and no push: paths and addresses are text. */

export { takes } from './accept-types.js';
export { type AcceptingLine, type AnswerDescription, type AnswerLine, buildAnswer } from './answer.js';
export type { FileDate, FileDescription, FileRange } from './file-description.js';
export type { FileDigest, FileSelector } from './file-selector.js';
export type { Direction, MsrpMedia, MsrpProtocol, Setup } from './media.js';
export {
  buildOffer,
  type MsrpOffer,
  type OfferDescription,
  type OfferLine,
  type OtherMedia,
  parseOffer,
} from './offer.js';
export { newOrigin, nextOrigin, type Origin } from './origin.js';
export { type AcceptedLine, type AnsweredLine, parseAnswer } from './read-answer.js';
export { buildSupported, parseSupported, type SupportedMedia } from './supported.js';
