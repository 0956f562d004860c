/** What `sip-push host` prints of its events. */

import { describe, expect, it } from 'vitest';
import type { HostEvent } from '../../core/host.js';
import { hostPrinter } from '../../sdk/cli/report.js';

const BROKEN: HostEvent = {
  event: 'broken-off',
  id: '0fa53c',
  app: 'files.ua',
  from: 'sip:psa@domain.test',
  contentType: 'video/mp4',
  fileName: 'film.mp4',
  size: 1_073_741_824,
  received: 52_428_800,
  resumable: true,
  reason: 'the sender ended the session',
};

function printed(event: HostEvent, json: boolean): { out: string[]; err: string[] } {
  const lines = { out: [] as string[], err: [] as string[] };
  const print = hostPrinter(
    {
      out: (line) => lines.out.push(line),
      err: (line) => lines.err.push(line),
      status: () => {},
      terminal: false,
      signal: new AbortController().signal,
    },
    json,
  );
  print(event);
  return lines;
}

describe('a transfer that broke off', () => {
  it('says what came of what, whether it is kept, and why', () => {
    expect(printed(BROKEN, false)).toEqual({
      out: [
        'broken off    files.ua from sip:psa@domain.test: film.mp4, video/mp4, 52.4 MB of 1073.7 MB had come, kept for the next time: the sender ended the session',
      ],
      err: [],
    });
  });

  it('says less where less is known', () => {
    const { fileName: _name, size: _size, ...known } = BROKEN;
    expect(printed({ ...known, received: 0, resumable: false }, false).out).toEqual([
      'broken off    files.ua from sip:psa@domain.test: video/mp4, 0 bytes had come: the sender ended the session',
    ]);
  });

  it('is printed as it is in JSON', () => {
    const { out } = printed(BROKEN, true);
    expect(out.map((line) => JSON.parse(line))).toEqual([BROKEN]);
  });
});
