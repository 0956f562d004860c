/** The output of `sip-push host` for its events. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HostEvent } from '../../core/host.js';
import type { Receipt } from '../../core/sender/push-request.js';
import { answerPrinter, hostPrinter, logPrinter, receiptLine } from '../../sdk/cli/report.js';
import { memoryStreams } from '../support/programs/command.js';

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
    memoryStreams({ out: (line) => lines.out.push(line), err: (line) => lines.err.push(line) }),
    json,
  );
  print(event);
  return lines;
}

describe('a push', () => {
  const PUSH: HostEvent = {
    event: 'push',
    id: '0fa53c',
    app: 'files.ua',
    mode: 'session',
    from: 'sip:psa@domain.test',
    contentType: 'video/mp4',
    size: 1_500_000,
    sha256: '0123456789abcdef',
    outcome: 'accepted',
    status: 200,
  };

  it('has the reason of a refusal', () => {
    const refused: HostEvent = { ...PUSH, outcome: 'refused', status: 415, reason: 'no film at all' };
    expect(printed(refused, false).out).toEqual([
      'push          refused (415) files.ua from sip:psa@domain.test: video/mp4, 1.5 MB, sha256 0123456789ab…: no film at all',
    ]);
    expect(JSON.parse(printed(refused, true).out[0] ?? '')).toEqual(refused);
  });

  it('has the name of its file, and no digest if there is none', () => {
    expect(printed({ ...PUSH, fileName: 'film.mp4', sha256: '' }, false).out).toEqual([
      'push          accepted (200) files.ua from sip:psa@domain.test: film.mp4, video/mp4, 1.5 MB',
    ]);
  });
});

describe('a receipt', () => {
  const BOB = 'sip:bob@domain.test';
  const RECEIPT: Receipt = {
    ...{ to: BOB, mode: 'pager', outcome: 'delivered', status: 200, reason: 'OK', retryable: false },
    ...{ bytes: 5, milliseconds: 3, why: 'its 5 bytes fit a MESSAGE' },
  };

  it('names the terminal by its instance', () => {
    const lines = ['urn:uuid:00000000-0000-1000-8000-000000000001', 'urn:gsma:imei:90420156-025763-0']
      .map((instance) => ({ ...RECEIPT, terminal: `${BOB};gr=${instance}` }))
      .map(receiptLine);
    expect(lines).toEqual([
      `delivered (200) ${BOB} at 00000000-0000-1000-8000-000000000001: OK, pager mode, 5 bytes in 3 ms`,
      `delivered (200) ${BOB} at urn:gsma:imei:90420156-025763-0: OK, pager mode, 5 bytes in 3 ms`,
    ]);
  });

  it('names a temporary GRUU in full, and an addressed GRUU once', () => {
    const temporary = 'sip:tgruu.7hs;key@domain.test;gr';
    expect(receiptLine({ ...RECEIPT, terminal: temporary })).toContain(`${BOB} at ${temporary}: OK`);
    const gruu = `${BOB};gr=urn:uuid:1`;
    expect(receiptLine({ ...RECEIPT, to: gruu, terminal: gruu })).toContain(`(200) ${gruu}: OK`);
  });

  it('has an explanation if the line needs one', () => {
    const unavailable: Partial<Receipt> = {
      ...{ outcome: 'failed', reason: 'the terminal is unavailable', why: 'nothing was sent: unavailable' },
      ...{ bytes: 0, retryable: true, terminal: `${BOB};gr=urn:uuid:1` },
    };
    const { status: _, ...unsent } = RECEIPT;
    expect(receiptLine({ ...unsent, ...unavailable })).toBe(
      `failed ${BOB} at 1: the terminal is unavailable, pager mode, 0 bytes in 3 ms; retryable (nothing was sent: unavailable)`,
    );
    expect(receiptLine({ ...RECEIPT, why: 'the core forks it' })).toMatch(/ in 3 ms \(the core forks it\)$/);
  });

  it('says what to do after a 480 without Retry-After', () => {
    const unavailable: Receipt = {
      ...{ ...RECEIPT, outcome: 'failed', status: 480, reason: 'Temporarily Unavailable', retryable: true },
      why: `sent to ${BOB}: the core selects the terminals`,
    };
    expect(receiptLine(unavailable)).toMatch(
      /; retryable \(sent to .*\); probably no registered terminal has the application: .*"apps".*"registered".*\(ttl\)$/,
    );
    expect(receiptLine({ ...unavailable, retryAfter: 30 })).not.toContain('probably');
    expect(receiptLine(RECEIPT)).not.toContain('probably');
  });
});

describe('a refused request', () => {
  it('names the addressed applications and the reason', () => {
    const refused: HostEvent = {
      ...{ event: 'refused', method: 'INVITE', status: 488, from: 'sip:psa@domain.test' },
      reason: 'files.ua does not accept video/mp4; accepted types: image/*',
    };
    const text = 'from sip:psa@domain.test: files.ua does not accept video/mp4; accepted types: image/*';
    expect(printed({ ...refused, apps: ['files.ua'] }, false).out).toEqual([
      `refused       488 to INVITE for files.ua ${text}`,
    ]);
    expect(printed(refused, false).out).toEqual([`refused       488 to INVITE ${text}`]);
  });
});

describe('an application event', () => {
  it('is on one line, and each item of a list on its own line', () => {
    const event: HostEvent = {
      event: 'app',
      id: 'e1',
      app: 'mms.ua',
      kind: 'message',
      transactionId: 'T1',
      parts: [
        { contentType: 'image/jpeg', name: 'beach.jpg', size: 100_000 },
        { contentType: 'text/plain', name: 'greeting\n', size: 5 },
      ],
    };
    expect(printed(event, false).out).toEqual([
      'mms.ua        message transactionId T1',
      '              parts 1 of 2: contentType image/jpeg, name beach.jpg, size 100000',
      '              parts 2 of 2: contentType text/plain, name greeting , size 5',
    ]);
    expect(JSON.parse(printed(event, true).out[0] ?? '')).toEqual(event);
  });

  it('omits fields that are undefined', () => {
    const event: HostEvent = {
      ...{
        event: 'app',
        id: 'e1',
        app: 'wml.ua',
        kind: 'service-indication',
        text: 'News',
        created: undefined,
      },
      parts: [{ name: 'a.txt', charset: undefined }],
    };
    expect(printed(event, false).out).toEqual([
      'wml.ua        service-indication text News',
      '              parts 1 of 1: name a.txt',
    ]);
  });

  it('aligns the column of the application, even for a long id', () => {
    const event: HostEvent = { event: 'app', id: 'e1', app: 'x-wap-vodafone:mms.ua', kind: 'message', of: 1 };
    expect(printed(event, false).out).toEqual(['x-wap-vodafone:mms.ua message of 1']);
  });
});

it('prints all events in the same columns', () => {
  const events: HostEvent[] = [
    { event: 'registered', identity: 'sip:bob@domain.test', apps: [], expires: 60 },
    { event: 'registration-failed', reason: 'no connection' },
    { event: 'negotiated', sender: 'sip:psa@domain.test', apps: [], methods: [] },
    { event: 'negotiation-failed', sender: 'sip:psa@domain.test', reason: 'no connection' },
    { event: 'refused', method: 'MESSAGE', status: 403, reason: 'no', from: '' },
    { event: 'connected', server: 'sip:a' },
    { event: 'disconnected', server: 'sip:a', reason: 'gone' },
    { event: 'stopped', reason: 'signal' },
    BROKEN,
  ];
  for (const event of events) expect(printed(event, false).out[0]).toMatch(/^.{12} {2}\S/);
});

it('reports a repeated challenge as rejected credentials', () => {
  const failed = {
    event: 'registration-failed',
    status: 401,
    reason: 'Unauthorized',
    retryInSeconds: 3,
  } as const;
  expect(printed(failed, false).out).toEqual([
    'registration  failed: 401 Unauthorized: the core rejected the user name or password; retry in 3 s',
  ]);
});

it('prints each line of a stack trace with its level and application', () => {
  const lines: string[] = [];
  const print = logPrinter({ err: (line) => lines.push(line) });
  print({ level: 'debug', app: 'mms.ua', message: 'Error: x\n    at \u001b[2Jfile.js:1' });
  expect(lines).toEqual(['debug mms.ua: Error: x', 'debug mms.ua:     at  [2Jfile.js:1']);
});

describe('an interrupted transfer', () => {
  it('has the received size, whether it is kept, and the reason', () => {
    expect(printed(BROKEN, false)).toEqual({
      out: [
        'interrupted   files.ua from sip:psa@domain.test: film.mp4, video/mp4, 52.4 MB of 1073.7 MB received, kept for a resumed transfer: the sender ended the session',
      ],
      err: [],
    });
  });

  it('omits unknown values', () => {
    const { fileName: _name, size: _size, ...known } = BROKEN;
    expect(printed({ ...known, received: 0, resumable: false }, false).out).toEqual([
      'interrupted   files.ua from sip:psa@domain.test: video/mp4, 0 bytes received: the sender ended the session',
    ]);
  });

  it('is printed unchanged in JSON', () => {
    const { out } = printed(BROKEN, true);
    expect(out.map((line) => JSON.parse(line))).toEqual([BROKEN]);
  });
});

describe('a long transfer', () => {
  const RECEIVING: Extract<HostEvent, { event: 'receiving' }> = {
    event: 'receiving',
    id: '0fa53c',
    app: 'files.ua',
    from: 'sip:psa@domain.test',
    contentType: 'video/mp4',
    fileName: 'film.mp4',
    size: 1_000_000_000,
    received: 50_000_000,
  };

  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  function watching(terminal: boolean, json = false) {
    const shown: string[] = [];
    const others: string[] = [];
    const line = (text: string) => others.push(text);
    const status = (text: string) => shown.push(text);
    const print = hostPrinter(memoryStreams({ out: line, err: line, status, terminal }), json);
    return { shown, others, print };
  }

  it.each([true, false])('is one status line at a terminal; with --json: %s', (json) => {
    const { shown, others, print } = watching(true, json);
    print(RECEIVING);
    vi.advanceTimersByTime(1000);
    print({ ...RECEIVING, received: 60_000_000 });
    vi.advanceTimersByTime(1000);
    print({ ...RECEIVING, received: 80_000_000 });
    expect(shown).toEqual([
      'receiving     files.ua film.mp4: 50.0 MB of 1000.0 MB (5 %)',
      'receiving     files.ua film.mp4: 60.0 MB of 1000.0 MB (6 %), 10.0 MB/s',
      'receiving     files.ua film.mp4: 80.0 MB of 1000.0 MB (8 %), 15.0 MB/s',
    ]);
    expect(others).toEqual([]);
  });

  it('is named by its type without a name and size, and a long name is truncated', () => {
    const { shown, print } = watching(true);
    const { fileName: _name, size: _size, ...known } = RECEIVING;
    print(known);
    print({ ...RECEIVING, id: 'a1', fileName: `${'long'.repeat(20)}.mp4` });
    expect(shown).toEqual([
      'receiving     files.ua video/mp4: 50.0 MB',
      'receiving     files.ua longlonglonglonglonglonglonglong: 50.0 MB of 1000.0 MB (5 %)',
    ]);
  });

  it('prints nothing without a terminal', () => {
    const { shown, others, print } = watching(false);
    print(RECEIVING);
    expect([...shown, ...others]).toEqual([]);
  });
});

it('answers of the console are one line each in JSON, and the help is one line for each command', () => {
  const out: string[] = [];
  const print = answerPrinter(memoryStreams({ out: (line) => out.push(line) }), false);
  print({ event: 'answer', line: 'mms.ua messages', answer: ['one', 'two'] });
  print({ event: 'answer', line: 'mms.ua nothing', error: 'no such query' });
  print({ event: 'answer', line: 'help', answer: ['one', 'two'] });
  expect(out).toEqual([
    'answer        ["one","two"]',
    'answer        error: no such query',
    'answer        one',
    'answer        two',
  ]);
});
