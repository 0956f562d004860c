/** Which terminals a push goes to: one request for each GRUU known, else one that the core forks (AD-5.3.1-7). */

import { canonicalEventAppId } from '../../app/event-app-id.js';
import { isGruu } from '../addressing.js';
import type { DeliveryRequest } from '../push-request.js';
import type { TerminalDirectory } from './directory.js';
import { isSelfNamed, type Terminal } from './terminal.js';

/** Some of a user's terminals. */
export interface TerminalFilter {
  /** Instances, `urn:uuid:…`, or GRUUs. */
  instances?: readonly string[];
  /** SIP methods that a terminal has to take, `INVITE`. */
  methods?: readonly string[];
}

export interface Target {
  /** Request-URI. */
  uri: string;
  /** The one that is addressed; absent: whichever the core finds. */
  terminal?: Terminal;
  /** Known to be away: nothing is sent there (9-04). */
  away: boolean;
  /** For people. */
  why: string;
}

/** @returns none when nobody is left: `reasonForNone` says why. */
export function targetsOf(
  { to, app, terminals: filter }: Pick<DeliveryRequest, 'to' | 'app' | 'terminals'>,
  directory: TerminalDirectory,
): Target[] {
  if (isGruu(to)) return [addressed(to, directory.find(to))];
  const known = directory.of(to);
  if (known.length === 0 && !filter) return [forked(to, `no terminal of ${to} is known`)];
  const id = canonicalEventAppId(app);
  const fitting = known.filter((terminal) => has(terminal, id) && passes(terminal, filter));
  const away = fitting.filter((terminal) => !terminal.here).map((terminal) => addressed(to, terminal));
  const here = fitting.filter((terminal) => terminal.here);
  const others = hasOthers(known) ? here.filter(({ gruu }) => gruu === undefined) : [];
  // A request that forks reaches those with a GRUU as well: it goes instead of theirs, not beside them.
  if (others.length > 0 && !filter) {
    return [forked(to, `of ${here.length} terminals here ${others.length} have no GRUU`), ...away];
  }
  return [
    ...here.filter(({ gruu }) => gruu !== undefined).map((terminal) => addressed(to, terminal)),
    ...away,
  ];
}

/**
 * Whether any is here beside those with a GRUU. A registrar that names contacts by nothing but their addresses speaks of
 * those who named themselves as well, whatever applications they have.
 */
function hasOthers(known: readonly Terminal[]): boolean {
  const here = known.filter((terminal) => terminal.here);
  return here.filter(({ gruu }) => gruu === undefined).length > here.filter(isSelfNamed).length;
}

export function reasonForNone(
  { to, app }: { to: string; app: string },
  directory: TerminalDirectory,
): string {
  const known = directory.of(to).length;
  return `none of the ${known} terminals known of ${to} has ${app} and is among those asked for`;
}

function addressed(to: string, terminal: Terminal | undefined): Target {
  const uri = terminal?.gruu ?? to;
  if (!terminal) return { uri, away: false, why: 'the terminal that was asked for' };
  const seen = new Date(terminal.seen).toISOString();
  const why = terminal.here ? `its GRUU is known, and that it is here (${seen})` : `away, last seen ${seen}`;
  return { uri, terminal, away: !terminal.here, why };
}

function forked(uri: string, reason: string): Target {
  return { uri, away: false, why: `the core forks it: ${reason}` };
}

/** A terminal that has not said what it has may have it: the core knows, or the terminal answers 403. */
function has({ apps }: Terminal, app: string): boolean {
  return apps === undefined || apps.includes(app);
}

function passes(terminal: Terminal, { instances, methods = [] }: TerminalFilter = {}): boolean {
  const named = instances?.some((text) => isCalled(terminal, text)) ?? true;
  return named && methods.every((method) => terminal.methods?.includes(method) ?? true);
}

/** Who named itself by its GRUU alone may have its instance in there, and in its `id`. */
function isCalled({ gruu, instanceId, id }: Terminal, text: string): boolean {
  return text === gruu || [instanceId?.toLowerCase(), id].includes(text.toLowerCase());
}
