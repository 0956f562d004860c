/** Diameter messages (RFC 6733 §3, §4): AVPs and frames. */

const VENDOR_FLAG = 0x80;
const MANDATORY_FLAG = 0x40;
const HEADER_BYTES = 20;
/** 3GPP. */
export const VENDOR = 10415;

export type AvpValue = number | string | Uint8Array | readonly Uint8Array[];

/** An AVP of the base protocol. */
export function avp(code: number, value: AvpValue): Buffer {
  return encode(code, value, MANDATORY_FLAG);
}

/** An AVP of the Cx application (3GPP TS 29.229 §6.3). */
export function cx(code: number, value: AvpValue): Buffer {
  return encode(code, value, MANDATORY_FLAG | VENDOR_FLAG);
}

function encode(code: number, value: AvpValue, flags: number): Buffer {
  const data = bytesOf(value);
  const vendor = (flags & VENDOR_FLAG) === 0 ? [] : [uint32(VENDOR)];
  const length = 8 + vendor.length * 4 + data.length;
  const head = Buffer.concat([uint32(code), uint32((flags << 24) | length), ...vendor]);
  return Buffer.concat([head, data, Buffer.alloc((4 - (length % 4)) % 4)]);
}

function bytesOf(value: AvpValue): Uint8Array {
  if (typeof value === 'number') return uint32(value);
  if (typeof value === 'string') return Buffer.from(value);
  return value instanceof Uint8Array ? value : Buffer.concat([...value]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** The first AVP of each code of a message or of a grouped AVP. */
export class Avps {
  readonly #values = new Map<number, Buffer>();

  constructor(data: Buffer) {
    for (let at = 0; at + 8 <= data.length; ) {
      const code = data.readUInt32BE(at);
      const flagsAndLength = data.readUInt32BE(at + 4);
      const length = flagsAndLength & 0xffffff;
      const head = flagsAndLength >>> 24 >= VENDOR_FLAG ? 12 : 8;
      if (!this.#values.has(code)) this.#values.set(code, data.subarray(at + head, at + length));
      at += length + ((4 - (length % 4)) % 4);
    }
  }

  bytes(code: number): Buffer | undefined {
    return this.#values.get(code);
  }

  text(code: number): string {
    return this.#values.get(code)?.toString() ?? '';
  }

  number(code: number): number | undefined {
    return this.#values.get(code)?.readUInt32BE();
  }

  group(code: number): Avps {
    return new Avps(this.#values.get(code) ?? Buffer.alloc(0));
  }
}

/** The fields of a header that an answer repeats: the application, and the hop-by-hop and end-to-end identifiers. */
export type Identifiers = Buffer;

export interface DiameterMessage {
  request: boolean;
  proxiable: boolean;
  command: number;
  identifiers: Identifiers;
  avps: Avps;
}

export function encodeMessage(
  { request, proxiable, command, identifiers }: Omit<DiameterMessage, 'avps'>,
  avps: readonly Uint8Array[],
): Buffer {
  const body = Buffer.concat([...avps]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(((1 << 24) | (HEADER_BYTES + body.length)) >>> 0, 0);
  const flags = (request ? 0x80 : 0) | (proxiable ? 0x40 : 0);
  head.writeUInt32BE(((flags << 24) | command) >>> 0, 4);
  return Buffer.concat([head, identifiers, body]);
}

export function identifiersOf(application: number, id: number): Identifiers {
  return Buffer.concat([uint32(application), uint32(id), uint32(id)]);
}

/** Separates the messages of a stream. */
export class DiameterReader {
  #rest: Buffer = Buffer.alloc(0);

  read(bytes: Uint8Array): DiameterMessage[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const messages: DiameterMessage[] = [];
    for (;;) {
      const length =
        this.#rest.length < HEADER_BYTES ? Number.POSITIVE_INFINITY : this.#rest.readUIntBE(1, 3);
      if (this.#rest.length < length) return messages;
      const message = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      messages.push({
        request: (message.readUInt8(4) & 0x80) !== 0,
        proxiable: (message.readUInt8(4) & 0x40) !== 0,
        command: message.readUIntBE(5, 3),
        identifiers: message.subarray(8, HEADER_BYTES),
        avps: new Avps(message.subarray(HEADER_BYTES)),
      });
    }
  }
}
