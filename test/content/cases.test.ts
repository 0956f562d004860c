/** Inputs of real senders that deviate from the specifications, with the correct results. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MediaType } from '../../core/content/content.js';
import { decodeNotification } from '../../core/content/mms/notification.js';
import { decodeRetrieval, readRetrieval } from '../../core/content/mms/retrieval.js';
import { decodeMultipart, readMultipart } from '../../core/content/multipart/multipart.js';
import type { Part } from '../../core/content/multipart/part.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { octetsOf, streamOf } from './streams.js';

const folder = new URL('./fixtures/cases/', import.meta.url);

function input(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}/input.bin`, folder)));
}

function expected(name: string): Record<string, string> & { parts: { body?: string; text?: string }[] } {
  return JSON.parse(readFileSync(new URL(`${name}/expected.json`, folder), 'utf8'));
}

/** PDUs after their lengths, in two octets each. */
function records(name: string): Uint8Array[] {
  const octets = input(name);
  const found: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const length = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
    found.push(octets.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

/** The charset of the Subject (96): its MIBenum, as a short-integer or of two octets. */
function charsetOf(pdu: Uint8Array): number {
  const at = pdu.indexOf(0x96) + 2;
  const first = pdu[at] ?? 0;
  return first >= 0x80 ? first & 0x7f : ((pdu[at + 1] ?? 0) << 8) | (pdu[at + 2] ?? 0);
}

/** The parts of an M-Retrieve.conf, which are equal in memory and as a stream. */
async function partsOf(pdu: Uint8Array): Promise<Part[]> {
  const { content } = decodeRetrieval(pdu);
  if (!content) throw new Error('no content');
  const parts = decodeMultipart(content.type, content.body);
  for (const size of [1, 7, pdu.length]) {
    const streamed = await readRetrieval(streamOf(pdu, size));
    const read: Part[] = [];
    for await (const { size: _, body, ...part } of streamed.content?.parts ?? []) {
      read.push({ ...part, body: await octetsOf(body) });
    }
    expect(read).toEqual(parts);
  }
  return parts;
}

async function mimeParts(octets: Uint8Array): Promise<Part[]> {
  const type: MediaType = { type: 'multipart/mixed', parameters: { boundary: 'x' } };
  const parts = decodeMultipart(type, octets);
  const read: Part[] = [];
  for await (const { size: _, body, ...part } of readMultipart(type, streamOf(octets, 1))) {
    read.push({ ...part, body: await octetsOf(body) });
  }
  expect(read).toEqual(parts);
  return parts;
}

const textOf = ({ body }: Part) => new TextDecoder().decode(body);

describe('inputs of real senders', () => {
  it('04: reads a notification with an octet after its last field', () => {
    const name = '04-notification-octet-behind-last-field';
    const { app: _, ...fields } = expected(name);
    expect(decodeNotification(input(name))).toMatchObject(fields);
  });

  it('09: decodes text that is cut within a character in its declared charset', () => {
    const { subject } = decodeRetrieval(input('09-subject-utf8-cut-in-a-character'));
    expect(subject).toBe('И ещё баноч\ufffd');
    expect(expected('09-subject-utf8-cut-in-a-character').subject?.startsWith(String(subject))).toBe(true);
  });

  it('11: undoes the Content-Transfer-Encoding of parts', async () => {
    const name = '11-part-transfer-encodings';
    const parts = await partsOf(input(name));
    expect(parts.map((part) => ({ name: part.type.parameters.name, text: textOf(part) }))).toEqual(
      expected(name).parts,
    );
    expect(parts.flatMap(({ headers }) => headers.map(([header]) => header))).toEqual([
      'Content-Location',
      'Content-Location',
    ]);
  });

  it.each(['13-charsets-that-phones-know', '14-subject-utf16be-le'])('%s', (name) => {
    const texts = records(name).map((pdu) => [String(charsetOf(pdu)), decodeNotification(pdu).subject]);
    expect(Object.fromEntries(texts)).toEqual(expected(name));
    for (const pdu of records(name)) expect(decodeNotification(pdu).warnings).toBeUndefined();
  });

  it('17: reads a disposition without its length, and the other parts', async () => {
    const parts = await partsOf(input('17-part-disposition-without-length'));
    expect(parts.map(({ type }) => type.type)).toEqual(['text/plain', 'image/jpeg']);
    expect(parts[0] && textOf(parts[0])).toBe('hello');
    expect(parts[0]).toMatchObject({
      headers: [
        ['Content-Disposition', 'attachment'],
        ['Content-Location', 'a.txt'],
      ],
      warnings: [expect.stringContaining('Content-Disposition at offset 5: expected a value-length')],
    });
  });

  it('21: removes the indentation of a service indication in XML', () => {
    const { text, warnings } = serviceIndication.fromXml(input('21-si-xml-indented'));
    expect(text).toBe(expected('21-si-xml-indented').text);
    expect(warnings).toBeUndefined();
  });

  it('32: reads a part whose name contains a blank without quotes', async () => {
    const name = '32-mime-part-name-with-blank';
    const parts = await mimeParts(input(name));
    expect(parts.map((part) => ({ type: part.type.type, body: textOf(part) }))).toEqual(expected(name).parts);
    expect(parts[0]).toMatchObject({
      type: { parameters: { name: 'photo 1.jpg' } },
      warnings: ['multipart/mixed, part 1: Content-Type: malformed parameter "photo 1.jpg"'],
    });
  });

  it('33: skips a comment in Content-Type', async () => {
    const name = '33-mime-comment-in-content-type';
    const parts = await mimeParts(input(name));
    expect(parts.map((part) => ({ ...part.type, body: textOf(part) }))).toEqual(expected(name).parts);
    expect(parts[0]?.warnings).toBeUndefined();
  });
});
