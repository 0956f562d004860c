/** What User-Agent says of this device (5.1-09): model, vendor and version of the agent. */

interface Device {
  vendor?: string;
  model?: string;
}

/** @param product name and version of the agent, `sip-push/1.0`. */
export function userAgentProduct(product: string, { vendor, model }: Device = {}): string {
  const device = [vendor, model].flatMap((name) => token(name ?? '')).join('-');
  return device === '' ? product : `${device} ${product}`;
}

/** RFC 3261 25.1: a product is a token. */
function token(name: string): string[] {
  const written = name.trim().replace(/[^A-Za-z0-9\-.!%*_+`'~]+/g, '_');
  return written === '' ? [] : [written];
}
