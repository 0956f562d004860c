/** Masks credentials in SIP messages and MSRP frames that are shown or written to a trace. */

const HEAD_END = '\r\n\r\n';

/** With continuation lines (RFC 3261 §7.3.1). */
const CREDENTIALS =
  /^((?:proxy-)?(authorization|authentication-info)[ \t]*:[ \t]*)((?:[^\r\n]|\r?\n[ \t])*)/gim;

/** The body of a third-party REGISTER can be the REGISTER of a user (3GPP TS 24.229 §5.4.1.7). */
const ENCAPSULATED = /^(?:content-type|c)[ \t]*:[ \t]*message\/sip/im;

const DIGEST = /^digest[ \t\r\n]+/i;
const PARAMETER = /([a-z0-9_-]+)(\s*=\s*)("(?:[^"\\]|\\[\s\S])*(?:"|$)|[^\s,]*)/gi;

/** Parameters that prove nothing. All others are masked: an answer lets a reader guess the password. */
const SHOWN = new Set(['realm', 'uri', 'algorithm', 'qop', 'nc', 'opaque', 'integrity-protected']);

/** The message with `*` in place of credentials. Its length does not change, so that a capture of it stays correct. */
export function withoutCredentials(message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const end = bytes.indexOf(HEAD_END);
  const head = bytes.toString('latin1', 0, end < 0 ? bytes.length : end + HEAD_END.length);
  const text = ENCAPSULATED.test(head) ? bytes.toString('latin1') : head;
  const masked = text.replace(CREDENTIALS, (_, start: string, name: string, value: string) =>
    /^authentication-info$/i.test(name) ? start + maskParameters(value) : start + maskCredentials(value),
  );
  if (masked === text) return message;
  return Buffer.concat([Buffer.from(masked, 'latin1'), bytes.subarray(text.length)]);
}

function maskCredentials(value: string): string {
  const scheme = (DIGEST.exec(value) ?? /^\S*\s*/.exec(value))?.[0] ?? '';
  const rest = value.slice(scheme.length);
  // Of another scheme, such as Bearer (RFC 8898), all is secret.
  return scheme + (DIGEST.test(scheme) ? maskParameters(rest) : rest.replace(/\S/g, '*'));
}

function maskParameters(text: string): string {
  return text.replace(PARAMETER, (parameter, name: string, equal: string, value: string) =>
    SHOWN.has(name.toLowerCase()) ? parameter : name + equal + maskValue(value),
  );
}

function maskValue(value: string): string {
  // The quotes of a quoted-string stay.
  return value.replace(/(?!^"|"$)\S/g, '*');
}
