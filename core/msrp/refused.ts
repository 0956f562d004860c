/** A message, or a chunk of it, that is not taken; and what the status codes of RFC 4975 10 mean. */

import { SipPushError } from '../errors.js';

/** Thrown by `onMessage` or by a sink's `write`: the chunks of that message are answered with this status. */
export class MsrpRefused extends SipPushError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const COMMENTS: ReadonlyMap<number, string> = new Map([
  [200, 'OK'],
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [408, 'Request Timeout'],
  [413, 'Stop Sending Message'],
  [415, 'Unsupported Media Type'],
  [423, 'Parameters Out of Bounds'],
  [481, 'Session Does Not Exist'],
  [501, 'Unknown Method'],
  [506, 'Session Already In Use'],
]);

/** Empty for a status that RFC 4975 does not know. */
export function commentOf(status: number): string {
  return COMMENTS.get(status) ?? '';
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Comments go into a line of a frame: text from elsewhere may hold anything. */
export function asComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, 200);
}
