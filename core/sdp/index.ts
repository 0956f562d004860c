/** Offers and answers of files over MSRP. Knows no sockets and no push: paths and addresses are text. */

export { type AcceptedLine, type AcceptingLine, type AnswerDescription, type AnsweredLine, type AnswerLine, buildAnswer, parseAnswer } from './answer.js';
export { newOrigin, nextOrigin, type Origin } from './description.js';
export type { FileDate, FileDescription, FileRange } from './file-description.js';
export type { FileDigest, FileSelector } from './file-selector.js';
export type { Direction, MsrpMedia, MsrpProtocol, Setup } from './media.js';
export { acceptsType } from './media.js';
export { buildOffer, buildSupported, type MsrpOffer, type OfferDescription, type OfferLine, type OtherMedia, parseOffer, parseSupported, type SupportedMedia } from './offer.js';
