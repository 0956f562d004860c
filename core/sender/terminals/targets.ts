/** Selects the targets of a push: each known GRUU, or the user's identity, which the core forks (AD-5.3.1-7). */

import { eventAppKey } from '../../app/contract/event-app-id.js';
import { isGruu, isSecure, secureUri } from '../../sip/values/uri.js';
import type { PushOptions, TerminalFilter } from '../push-request.js';
import type { TerminalDirectory } from './directory.js';
import { gruuIdentity, isSelfIdentified, type Terminal } from './terminal.js';

export interface Target {
  /** Request-URI. */
  uri: string;
  /** The addressed terminal; absent if the core selects the terminals. */
  terminal?: Terminal;
  /** Whether no terminal is registered at this target, by the latest information: nothing is sent then (9-04). */
  isUnavailable(): boolean;
  /** Why the request is, or is not, sent to it, by the latest information; as text for people. */
  readonly why: string;
}

const NONE_REGISTERED = 'no terminal with the application is registered';

/** @returns an empty list if no terminal matches; `reasonForNone` gives the reason. */
export function targetsOf(
  { to, app, terminals: filter }: Pick<PushOptions, 'to' | 'app' | 'terminals'>,
  directory: TerminalDirectory,
): Target[] {
  if (isGruu(to)) return [addressed(to, directory.find(to), directory, isSecure(to))];
  const known = directory.of(to);
  if (known.length === 0 && !filter) {
    return [
      {
        uri: to,
        isUnavailable: () => false,
        why: `sent to ${to}: the core selects the terminals`,
      },
    ];
  }
  const key = eventAppKey(app);
  const matching = () =>
    directory.of(to).filter((terminal) => has(terminal, key) && passes(terminal, filter));
  const found = matching();
  const addressable = found.flatMap((terminal) =>
    terminal.gruu === undefined ? [] : [addressed(terminal.gruu, terminal, directory, isSecure(to))],
  );
  const unavailable = addressable.filter((target) => target.isUnavailable());
  const alone = [...addressable.filter((target) => !target.isUnavailable()), ...unavailable];
  // A terminal without a GRUU cannot be addressed alone.
  if (filter) return alone;
  const others = () => (hasOthers(directory.of(to)) ? matching().filter(isRegistered).filter(lacksGruu) : []);
  const count = others().length;
  // A forked request reaches the terminals with a GRUU as well, so it replaces the requests to them.
  if (count > 0) {
    const reason = `${count} of ${found.filter(isRegistered).length} registered terminals have no GRUU`;
    const isUnavailable = () => matching().every((terminal) => !terminal.registered);
    return [
      {
        uri: to,
        isUnavailable,
        get why() {
          return isUnavailable() ? NONE_REGISTERED : `the core forks the request: ${reason}`;
        },
      },
      ...alone.filter((each) => each.isUnavailable()),
    ];
  }
  const [unregistered] = found.filter((terminal) => !terminal.registered).filter(lacksGruu);
  const later = unregistered && {
    uri: to,
    isUnavailable: () => others().length === 0,
    get why() {
      return others().length === 0
        ? whyOf(unregistered)
        : 'the core forks the request: a terminal without a GRUU registered again';
    },
  };
  return later ? [...alone, later] : alone;
}

/**
 * Whether a terminal without a GRUU is registered. A registrar that reports only addresses reports the terminals that
 * identified themselves a second time, by their addresses.
 */
function hasOthers(known: readonly Terminal[]): boolean {
  const registered = known.filter(isRegistered);
  return registered.filter(lacksGruu).length > registered.filter(isSelfIdentified).length;
}

export function reasonForNone(
  { to, app, terminals: filter }: Pick<PushOptions, 'to' | 'app' | 'terminals'>,
  directory: TerminalDirectory,
): string {
  const known = directory.of(to).length;
  const filtered = filter ? ', matches the filter and has a GRUU' : '';
  return `none of the ${known} known terminals of ${to} has ${app}${filtered}`;
}

/** @param secure the push is addressed to a `sips` URI, so it needs TLS at this terminal too (RFC 3261 §26.2.2). */
function addressed(
  gruu: string,
  terminal: Terminal | undefined,
  directory: TerminalDirectory,
  secure: boolean,
): Target {
  if (!terminal) {
    const isUnavailable = () => directory.find(gruu)?.registered === false;
    return { uri: gruu, isUnavailable, why: 'the requested terminal' };
  }
  const { user, id } = terminal;
  const known = () => directory.of(user).find((each) => each.id === id) ?? terminal;
  return {
    // The latest GRUU of the terminal (5.2-03).
    get uri() {
      const latest = known().gruu ?? gruu;
      return secure ? secureUri(latest) : latest;
    },
    terminal,
    isUnavailable: () => !known().registered,
    get why() {
      const now = known();
      return !terminal.registered && now.registered
        ? `the terminal registered again, last seen ${dateOf(now.lastSeen)}`
        : whyOf(now);
    },
  };
}

function whyOf({ registered, lastSeen }: Terminal): string {
  return registered
    ? `sent to the GRUU of the terminal, last seen ${dateOf(lastSeen)}`
    : `the terminal is not registered, last seen ${dateOf(lastSeen)}`;
}

function dateOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function isRegistered({ registered }: Terminal): boolean {
  return registered;
}

function lacksGruu({ gruu }: Terminal): boolean {
  return gruu === undefined;
}

/** A terminal whose applications are unknown may have it: the core decides, or the terminal answers 403. */
function has({ apps }: Terminal, key: string): boolean {
  return apps === undefined || apps.some((id) => eventAppKey(id) === key);
}

function passes(terminal: Terminal, { instances, methods = [] }: TerminalFilter = {}): boolean {
  const selected = instances?.some((text) => isIdentifiedBy(terminal, text)) ?? true;
  return selected && methods.every((method) => terminal.methods?.includes(method) ?? true);
}

/** The instance id of a terminal that sent only its GRUU can be in the GRUU, and thus in `id`. */
function isIdentifiedBy({ gruu, instanceId, id }: Terminal, text: string): boolean {
  return (
    (gruu !== undefined && gruuIdentity(text) === gruuIdentity(gruu)) ||
    [instanceId?.toLowerCase(), id].includes(text.toLowerCase())
  );
}
