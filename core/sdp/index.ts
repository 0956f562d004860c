/** Offers and answers of files over MSRP. Paths and addresses are text: this folder opens no sockets. */

export { newOrigin, nextOrigin, type Origin } from './description.js';
export type { FileDate, FileDescription, FileRange } from './file-description.js';
export type { FileDigest, FileSelector } from './file-selector.js';
export type { Direction, MsrpMedia, MsrpProtocol, Setup } from './media.js';
export { acceptsType, buildSupported, carriedTypes, parseSupported, type SupportedMedia } from './media.js';
export {
  type AcceptedLine,
  type AcceptingLine,
  type AnswerDescription,
  type AnsweredLine,
  type AnswerLine,
  buildAnswer,
  buildOffer,
  type MsrpOffer,
  type OfferDescription,
  type OfferLine,
  type OtherMedia,
  parseAnswer,
  parseOffer,
} from './offer-answer.js';
