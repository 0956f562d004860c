/** Reads a recording: the pushes that came to a host, as somebody would order them again, and what the host told of them. */

import { parseContentEncoding } from '../../core/content/content-coding.js';
import { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
import { MalformedError } from '../../core/errors.js';
import { pushResource } from '../../core/receiver/admission.js';
import { contentOf, readCarried } from '../../core/receiver/content-headers.js';
import { type MsrpMedia, parseOffer } from '../../core/sdp/index.js';
import {
  isRequest,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../core/sip/message/message.js';
import { assertedIdentities } from '../../core/sip/values/asserted-identity.js';
import { parseMessage } from '../../core/sip/wire/parser.js';
import type { TestPush } from '../testing/options.js';
import { readTrace, type TracedMessage } from '../trace/read-trace.js';
import { inTheirOrder } from './order.js';
import { type SessionContent, Sessions } from './session-content.js';
import { eventsOf, type SkippedPush, type ToldEvent } from './told.js';

/** Content of a file that was refused before it came: as large as it was offered, where that is no larger. */
const LARGEST_UNSEEN = 64 * 1024 * 1024;

/** A push to be given again. */
export interface RecordedPush {
  /** When it came. Milliseconds since 1970. */
  readonly at: number;
  readonly push: TestPush;
}

/** What a host has recorded. */
export interface Recording {
  /** event-app-ids of its applications. */
  readonly apps: readonly string[];
  /** Identities whose pushes it took. */
  readonly trust: readonly string[];
  /** In the order in which they ended. */
  readonly pushes: readonly RecordedPush[];
  readonly skipped: readonly SkippedPush[];
  /** What it told of its pushes, in order, without that of skipped ones. */
  readonly events: readonly ToldEvent[];
}

/** What came in one request, until it is answered for good. */
interface Arrived {
  at: number;
  /** When it was answered for good. */
  answered: number;
  /** Where its content came then. */
  session?: SessionContent;
  push(): Promise<TestPush>;
  app: string;
  from: string;
}

/** @throws ConfigurationError naming the file, and the line that is wrong. */
export async function readRecording(file: string): Promise<Recording> {
  const reader = new Reader();
  const events: ToldEvent[] = [];
  let apps: readonly string[] | undefined;
  for await (const entry of readTrace(file)) {
    if (!('event' in entry)) {
      reader.take(entry);
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
    pushes: inTheirOrder(pushes, events),
    skipped,
    events: eventsOf(events, skipped),
  };
}

function endOf({ answered, session }: Arrived): number {
  return Math.max(answered, session?.last ?? 0);
}

class Reader {
  readonly arrived: Arrived[] = [];
  readonly #sessions = new Sessions();
  /** Requests by Call-ID and CSeq: they may come more than once over UDP. */
  readonly #messages = new Map<string, Arrived>();
  /** Those that began a session, and what each of its lines offers: nothing, where it is not for MSRP. */
  readonly #invites = new Map<string, readonly (Arrived | undefined)[]>();

  take(entry: TracedMessage): void {
    try {
      if (entry.protocol === 'MSRP') this.#sessions.take(entry);
      else this.#takeSip(entry);
    } catch (error) {
      // What is no SIP or no MSRP was answered as that: no application has seen it.
      if (!(error instanceof MalformedError)) throw error;
    }
  }

  #takeSip(entry: TracedMessage): void {
    const message = parseMessage(entry.bytes);
    if (isRequest(message) && entry.direction === 'in') this.#request(message, entry.time);
    else if (!isRequest(message) && entry.direction === 'out') this.#answered(message, entry.time);
  }

  #request(request: SipRequest, time: number): void {
    const key = keyOf(request);
    if (request.method === 'MESSAGE' && !this.#messages.has(key)) {
      const arrived: Arrived = {
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
    const offered = media.map((line): Arrived | undefined => {
      if (!('path' in line)) return undefined;
      const arrived: Arrived = {
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
      // A line that is refused has no path, but its place (RFC 3264 6).
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

/** @throws MalformedError saying why it cannot be given again. */
function orderOf(request: SipRequest): { app: string; from: string; iari?: string } {
  const { app, from, ...instance } = addressed(request);
  if (app === '') throw new MalformedError('it names no application');
  if (from === '') throw new MalformedError('nobody asserted who sent it');
  return { app, from, ...instance };
}

async function pagerPush(request: SipRequest): Promise<TestPush> {
  const order = orderOf(request);
  const carried = await readCarried(request);
  if (!carried) throw new MalformedError('it says no media type');
  if (carried.reference) throw new MalformedError('it is by reference: what it refers to is not recorded');
  const [encoding, ...more] = parseContentEncoding(request.headers.getAll('Content-Encoding').join(','));
  if (more.length > 0) throw new MalformedError('its content is encoded more than once');
  const content = await contentOf(request, carried);
  return {
    ...order,
    mode: 'pager',
    type: formatMediaType(carried.type),
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
  if (!type) throw new MalformedError('it says no media type');
  const headers = {
    ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
    ...(description === undefined ? {} : { 'content-description': description }),
  };
  return {
    ...orderOf(request),
    mode: 'session',
    type: formatMediaType(type),
    body: session ? contentOfSession(session, selector.size) : unseen(selector.size),
    fileName: selector.name,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}

function contentOfSession(session: SessionContent, size: number | undefined): Uint8Array {
  const bytes = session.bytes(size);
  if (bytes) return bytes;
  throw new MalformedError('it broke off, began before, or is too large to be recorded');
}

/** One for all of them: a recording may have many. */
let zeros = new Uint8Array(0);

/** Of a file that nobody wanted, only its size is known. */
function unseen(size = 0): Uint8Array {
  if (size > LARGEST_UNSEEN) {
    throw new MalformedError(`it was refused before it came, and was to have ${size} bytes`);
  }
  if (zeros.length < size) zeros = new Uint8Array(size);
  return zeros.subarray(0, size);
}
