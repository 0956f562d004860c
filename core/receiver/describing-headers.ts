/** Headers that describe content, as an application has them: Content-*, and those of a Push Message. */

const DESCRIBING = /^(content-|x-wap-|x-oma-)/i;

/** Names in lower case. */
export function describingHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!DESCRIBING.test(name)) continue;
    const key = name.toLowerCase();
    // RFC 3261 7.3.1: lines of one name are one list.
    described[key] = key in described ? `${described[key]}, ${value}` : value;
  }
  return described;
}
