/** Chunks of a peer, with bodies that contain parts of end-lines. */

import fc from 'fast-check';
import {
  type ContinuationFlag,
  endLine,
  MsrpHeaders,
  type MsrpRequest,
  requestHead,
} from '../../core/msrp/frames/frame.js';

export interface Chunk {
  request: MsrpRequest;
  /** Undefined for a request without a body. */
  body: Uint8Array | undefined;
  flag: ContinuationFlag;
}

const transactionIds = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}$/);
const flags = fc.constantFrom<ContinuationFlag>('$', '+', '#');
const uris = fc.constantFrom(
  'msrp://a.example:7654/s1;tcp',
  'msrps://[2001:db8::1]:2855/s/2=;tcp;x=y',
  'msrps://bob@relay.example/3;ws',
);
const paths = fc.array(uris, { minLength: 1, maxLength: 3 });
const lines = fc.constantFrom(
  ...[['Message-ID', '12339sdqwer'] as const, ['Byte-Range', '1-*/*'] as const, ['X-Note', 'Grüße'] as const],
);

function bodies(id: string): fc.Arbitrary<Uint8Array> {
  const pieces = fc.oneof(
    fc.constantFrom(
      '\r',
      '\n',
      '\r\n',
      '-',
      '-----',
      '-------',
      ' ',
      '$',
      '+',
      id,
      id.slice(1),
      `-------${id}`,
    ),
    fc.constantFrom(`\r\n-------${id}`, `\r\n-----${id}`, `\r\n------- ${id}!`, `-------${id}$\r\n`),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const ends = new RegExp(`(?:^|\\r\\n)-----(?:--)? ?${id.replace(/[.+]/g, '\\$&')}[$+#]\\r\\n`);
  return fc
    .array(pieces, { maxLength: 20 })
    .map((texts) => texts.join(''))
    .filter((text) => !ends.test(`${text}\r\n`))
    .map((text) => Uint8Array.from(Buffer.from(text, 'latin1')));
}

export const chunks: fc.Arbitrary<Chunk> = transactionIds.chain((transactionId) =>
  fc
    .record({
      method: fc.constantFrom('SEND', 'REPORT', 'AUTH', 'NICKNAME'),
      toPath: paths,
      fromPath: paths,
      fields: fc.uniqueArray(lines, { selector: ([name]) => name }),
      body: fc.option(bodies(transactionId), { nil: undefined }),
      flag: flags,
    })
    .map(({ method, toPath, fromPath, fields, body, flag }) => {
      const headers = new MsrpHeaders();
      for (const [name, value] of fields) headers.set(name, value);
      if (body) headers.set('Content-Type', 'application/octet-stream');
      return { request: { method, transactionId, toPath, fromPath, headers }, body, flag };
    }),
);

export function chunkBytes({ request, body, flag }: Chunk): Uint8Array {
  const parts = [requestHead(request, body !== undefined)];
  if (body) parts.push(body);
  return new Uint8Array(Buffer.concat([...parts, endLine(request.transactionId, flag, body !== undefined)]));
}
