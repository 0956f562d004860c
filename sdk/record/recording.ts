/** Reads a recording: the pushes that a host received, in a form that can be sent again, and the events of the host. */

import { parseContentEncoding } from '../../core/content/content-coding.js';
import { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
import { defined } from '../../core/defined.js';
import { MalformedError } from '../../core/errors.js';
import { contentOf, pushResource, readContentHeaders } from '../../core/receiver/admission.js';
import { type MsrpMedia, parseOffer } from '../../core/sdp/index.js';
import {
  isRequest,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { assertedIdentities } from '../../core/sip/values/asserted-identity.js';
import type { TestPush } from '../testing/options.js';
import { readTrace, type TracedMessage } from '../trace/read-trace.js';
import { eventsOf, type HostEventRecord, type SkippedPush } from './events.js';
import { inOrderOfEvents } from './order.js';
import { type SessionContent, Sessions } from './session-content.js';

/** Bytes. A file that was refused before its transfer is replayed as zeros of its offered size, up to this size. */
const MAX_REFUSED_FILE = 64 * 1024 * 1024;

/** A push that can be replayed. */
export interface RecordedPush {
  /** Time of arrival in milliseconds since 1970. */
  readonly at: number;
  readonly push: TestPush;
}

/** The recording of a host. */
export interface Recording {
  /** event-app-ids of the applications. */
  readonly apps: readonly string[];
  /** Senders whose pushes were accepted or refused by an application. */
  readonly trust: readonly string[];
  /** Pushes in the order in which they ended. */
  readonly pushes: readonly RecordedPush[];
  readonly skipped: readonly SkippedPush[];
  /** Events of the pushes, in order, without those of skipped pushes. */
  readonly events: readonly HostEventRecord[];
}

/** A push of one request. */
interface ArrivedPush {
  at: number;
  /** Time of the final response, in milliseconds since 1970. */
  answered: number;
  /** The session that transferred its content. */
  session?: SessionContent;
  push(): Promise<TestPush>;
  app: string;
  from: string;
}

/** @throws ConfigurationError naming the file and the invalid line. */
export async function readRecording(file: string): Promise<Recording> {
  const reader = new Reader();
  const events: HostEventRecord[] = [];
  let apps: readonly string[] | undefined;
  for await (const entry of readTrace(file)) {
    if (!('event' in entry)) {
      reader.add(entry);
      continue;
    }
    const { event, time } = entry;
    if (event.event === 'registered' && Array.isArray(event.apps)) apps = event.apps.map(String);
    events.push({ time, ...event });
  }
  const arrived = reader.arrived.toSorted((one, other) => endOf(one) - endOf(other));
  const pushes: RecordedPush[] = [];
  const skipped: SkippedPush[] = [];
  for (const { at, app, from, push } of arrived) {
    try {
      pushes.push({ at, push: await push() });
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      skipped.push({ at, app, from, why: error.message });
    }
  }
  const trust = events.flatMap(({ event, from }) =>
    event === 'push' && typeof from === 'string' ? [from] : [],
  );
  return {
    apps: apps ?? [...new Set(arrived.map(({ app }) => app))],
    trust: [...new Set(trust)],
    pushes: inOrderOfEvents(pushes, events),
    skipped,
    events: eventsOf(events, skipped),
  };
}

function endOf({ answered, session }: ArrivedPush): number {
  return Math.max(answered, session?.last ?? 0);
}

class Reader {
  readonly arrived: ArrivedPush[] = [];
  readonly #sessions = new Sessions();
  /** MESSAGE requests by Call-ID and CSeq, because UDP can repeat them. */
  readonly #messages = new Map<string, ArrivedPush>();
  /** Initial INVITEs, with the push of each media line; undefined for a line that is not MSRP. */
  readonly #invites = new Map<string, readonly (ArrivedPush | undefined)[]>();

  add(entry: TracedMessage): void {
    try {
      if (entry.protocol === 'MSRP') this.#sessions.add(entry);
      else this.#addSip(entry);
    } catch (error) {
      // No application saw a malformed message.
      if (!(error instanceof MalformedError)) throw error;
    }
  }

  #addSip(entry: TracedMessage): void {
    const message = parseMessage(entry.bytes);
    if (isRequest(message) && entry.direction === 'in') this.#request(message, entry.time);
    else if (!isRequest(message) && entry.direction === 'out') this.#answered(message, entry.time);
  }

  #request(request: SipRequest, time: number): void {
    const key = keyOf(request);
    if (request.method === 'MESSAGE' && !this.#messages.has(key)) {
      const arrived: ArrivedPush = {
        ...addressed(request),
        at: time,
        answered: time,
        push: () => pagerPush(request),
      };
      this.#messages.set(key, arrived);
      this.arrived.push(arrived);
    }
    const within = /;\s*tag=/i.test(request.headers.get('To') ?? '');
    if (request.method === 'INVITE' && !within && !this.#invites.has(key)) this.#offer(request, key, time);
  }

  #offer(request: SipRequest, key: string, time: number): void {
    const { media } = parseOffer(request.body);
    const offered = media.map((line): ArrivedPush | undefined => {
      if (!('path' in line)) return undefined;
      const arrived: ArrivedPush = {
        ...addressed(request),
        at: time,
        answered: time,
        push: async () => sessionPush(request, line, arrived.session),
      };
      return arrived;
    });
    this.#invites.set(key, offered);
    this.arrived.push(...offered.filter((arrived) => arrived !== undefined));
  }

  #answered(response: SipResponse, time: number): void {
    if (response.status < 200) return;
    const key = keyOf(response);
    const message = this.#messages.get(key);
    if (message) message.answered = time;
    const offered = this.#invites.get(key);
    if (!offered) return;
    const lines = response.status < 300 ? parseOffer(response.body).media : [];
    for (const [index, arrived] of offered.entries()) {
      if (!arrived) continue;
      arrived.answered = time;
      // A refused line has no path, but keeps its position (RFC 3264 §6).
      const line = lines[index];
      const uri = line && 'path' in line && line.port !== 0 ? line.path.at(-1) : undefined;
      if (uri !== undefined) arrived.session = this.#sessions.open(uri);
    }
  }
}

function keyOf({ headers }: SipMessage): string {
  return `${headers.get('Call-ID')} ${headers.get('CSeq')}`;
}

function addressed(request: SipRequest): { app: string; from: string; iari?: string } {
  const { eventAppIds, iari } = pushResource(request);
  const from = assertedIdentities(request).find((identity) => /^sips?:/i.test(identity));
  return { app: eventAppIds[0] ?? '', from: from ?? '', iari };
}

/** @throws MalformedError with the reason why the push cannot be replayed. */
function addressOf(request: SipRequest): { app: string; from: string; iari?: string } {
  const { app, from, ...instance } = addressed(request);
  if (app === '') throw new MalformedError('the request names no application');
  if (from === '') throw new MalformedError('the request has no asserted identity');
  return { app, from, ...instance };
}

async function pagerPush(request: SipRequest): Promise<TestPush> {
  const address = addressOf(request);
  const contentHeaders = await readContentHeaders(request);
  if (!contentHeaders) throw new MalformedError('the request has no media type');
  if (contentHeaders.reference)
    throw new MalformedError('the content is a reference, and referenced content is not recorded');
  const [encoding, ...more] = parseContentEncoding(request.headers.getAll('Content-Encoding').join(','));
  if (more.length > 0) throw new MalformedError('the content has more than one content coding');
  const content = await contentOf(request, contentHeaders);
  return {
    ...address,
    mode: 'pager',
    type: formatMediaType(contentHeaders.type),
    body: await content.bytes(Number.MAX_SAFE_INTEGER),
    encoding,
  };
}

function sessionPush(
  request: SipRequest,
  { file, description, acceptTypes }: MsrpMedia,
  session: SessionContent | undefined,
): TestPush {
  const { selector = {}, disposition } = file ?? {};
  const type = parseMediaType(selector.type ?? session?.contentType ?? acceptTypes[0] ?? '');
  if (!type) throw new MalformedError('the request has no media type');
  const headers = defined({ 'content-disposition': disposition, 'content-description': description });
  return {
    ...addressOf(request),
    mode: 'session',
    type: formatMediaType(type),
    body: session ? contentOfSession(session, selector.size) : refusedContent(selector.size),
    fileName: selector.name,
    headers: Object.keys(headers).length === 0 ? undefined : headers,
  };
}

function contentOfSession(session: SessionContent, size: number | undefined): Uint8Array {
  const bytes = session.bytes(size);
  if (bytes) return bytes;
  throw new MalformedError('the content is incomplete in the recording, or too large');
}

/** Shared by all refused files. */
let zeros = new Uint8Array(0);

/** The content of a file that was refused before its transfer. */
function refusedContent(size = 0): Uint8Array {
  if (size > MAX_REFUSED_FILE) {
    throw new MalformedError(`the file of ${size} bytes was refused before its transfer`);
  }
  if (zeros.length < size) zeros = new Uint8Array(size);
  return zeros.subarray(0, size);
}
