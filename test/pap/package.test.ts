import { describe, expect, it } from 'vitest';
import { memoryContent, readAll, streamOf } from '../../core/content/content.js';
import { formatMediaType } from '../../core/content/media-type.js';
import { LimitError, MalformedError } from '../../core/errors.js';
import { writePapDocument } from '../../core/pap/document.js';
import { readPapPackage, writePapPackage } from '../../core/pap/package.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const stream = (text: string) => new Blob([text]).stream();
const push = writePapDocument({ kind: 'push-message', pushId: '1', addresses: ['a'] });
const SI = { type: 'text/vnd.wap.si', parameters: {} };
const CONTENT = {
  headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']] as const,
  content: memoryContent(SI, utf8('<si/>')),
};
const PROFILE = {
  headers: [],
  content: memoryContent({ type: 'application/rdf+xml', parameters: {} }, utf8('<rdf/>')),
};

async function partsOf(contentType: string, body: ReadableStream<Uint8Array>) {
  const { message, parts } = await readPapPackage(contentType, body);
  const read: [string, string][] = [];
  for await (const { type, body } of parts ?? []) {
    read.push([formatMediaType(type), new TextDecoder().decode(await readAll(body, 1000))]);
  }
  return { kind: message.kind, parts: read };
}

describe('PAP over HTTP', () => {
  it('P23-PPG-06, P23-PAP-01: a submission has a control entity, content and assumed capabilities', async () => {
    const { type, size, open } = writePapPackage(push, [CONTENT, PROFILE]);
    expect(formatMediaType(type)).toMatch(/^multipart\/related;type="application\/xml";boundary=\w+$/);
    expect((await readAll(open(), 10_000)).length).toBe(size);
    expect(await partsOf(formatMediaType(type), open())).toEqual({
      kind: 'push-message',
      parts: [
        ['text/vnd.wap.si', '<si/>'],
        ['application/rdf+xml', '<rdf/>'],
      ],
    });
  });

  it('has no size if that of the content is not known', () => {
    const content = { ...CONTENT.content, size: undefined };
    expect(writePapPackage(push, [{ ...CONTENT, content }]).size).toBeUndefined();
  });

  it('a message without content is a document alone', async () => {
    const { type, size, open } = writePapPackage(push);
    expect(formatMediaType(type)).toBe('application/xml;charset=UTF-8');
    expect(size).toBe(push.length);
    expect(await partsOf('text/xml', open())).toEqual({ kind: 'push-message', parts: [] });
  });

  it('is read with quotes, bare line ends, a preamble and an encoding, as Push Initiators write it', async () => {
    const body = [
      'preamble',
      '--asdl',
      'Content-Type: application/xml; charset=us-ascii',
      '',
      new TextDecoder().decode(push),
      '--asdl',
      'Content-Type: text/vnd.wap.si',
      'Content-Transfer-Encoding: base64',
      '',
      'PHNpLz4=',
      '--asdl--',
      '',
    ].join('\n');
    expect(await partsOf('multipart/related; boundary="asdl"; type=application/xml', stream(body))).toEqual({
      kind: 'push-message',
      parts: [['text/vnd.wap.si', '<si/>']],
    });
  });

  it.each([
    ['another media type', 'text/plain', '', 'expected application/xml or multipart/related'],
    ['no media type', '', '', 'expected application/xml or multipart/related'],
    ['no boundary', 'multipart/related', '', 'boundary'],
    ['no part', 'multipart/related;boundary=a', '--a--', 'Content-Type|control entity|expected'],
    [
      'another first part',
      'multipart/related;boundary=a',
      '--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--',
      'expected the control entity',
    ],
    [
      'an end inside the control entity',
      'multipart/related;boundary=a',
      '--a\r\nContent-Type: text/xml\r\n\r\n<pap>',
      'boundary',
    ],
  ])('rejects a body with %s', async (_case, type, body, expected) => {
    const error = await readPapPackage(type, stream(body)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MalformedError);
    expect((error as Error).message).toMatch(new RegExp(expected));
  });

  it('reads at most 64 KiB of a control entity, and cancels the rest', async () => {
    let sent = 0;
    let cancelled = false;
    const endless = streamOf(
      (async function* () {
        try {
          for (;;) {
            sent += 4096;
            yield new Uint8Array(4096).fill(0x20);
          }
        } finally {
          cancelled = true;
        }
      })(),
    );
    await expect(readPapPackage('application/xml', endless)).rejects.toThrow(LimitError);
    expect(sent).toBeLessThan(80_000);
    expect(cancelled).toBe(true);
  });
});
