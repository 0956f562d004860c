/** Octets in the making: grows as needed. */

const INITIAL_SIZE = 256;

export class OctetWriter {
  private bytes = new Uint8Array(INITIAL_SIZE);
  private length = 0;

  octet(octet: number): this {
    this.reserve(1);
    this.bytes[this.length] = octet;
    this.length += 1;
    return this;
  }

  octets(octets: Uint8Array): this {
    this.reserve(octets.length);
    this.bytes.set(octets, this.length);
    this.length += octets.length;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
