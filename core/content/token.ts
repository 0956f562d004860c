/** The tokens of MIME, SIP, HTTP and WSP alike (RFC 2045 5.1, RFC 3261 25.1, RFC 9110 5.6.2), as SIP draws them. */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether all of a text is one token: the name of a header or of a parameter, a value that needs no quotes. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
