/** Which terminals a push goes to: one request for each GRUU known, else one that the core forks (AD-5.3.1-7). */

import { canonicalEventAppId } from '../../app/contract/event-app-id.js';
import { isGruu } from '../../sip/values/uri.js';
import type { DeliveryRequest, TerminalFilter } from '../push-request.js';
import type { TerminalDirectory } from './directory.js';
import { isSelfNamed, type Terminal } from './terminal.js';

export interface Target {
  /** Request-URI. */
  uri: string;
  /** The one that is addressed; absent: whichever the core finds. */
  terminal?: Terminal;
  /** Whether nobody is there, as far as is known by now: nothing is sent then (9-04). */
  isAway(): boolean;
  /** For people. */
  why: string;
}

/** @returns none when nobody is left: `reasonForNone` says why. */
export function targetsOf(
  { to, app, terminals: filter }: Pick<DeliveryRequest, 'to' | 'app' | 'terminals'>,
  directory: TerminalDirectory,
): Target[] {
  if (isGruu(to)) return [addressed(to, directory.find(to), directory)];
  const known = directory.of(to);
  if (known.length === 0 && !filter) {
    return [{ uri: to, isAway: () => false, why: `the core forks it: no terminal of ${to} is known` }];
  }
  const id = canonicalEventAppId(app);
  const fitting = () => directory.of(to).filter((terminal) => has(terminal, id) && passes(terminal, filter));
  const found = fitting();
  const addressable = found.flatMap((terminal) =>
    terminal.gruu === undefined ? [] : [addressed(terminal.gruu, terminal, directory)],
  );
  const away = addressable.filter((target) => target.isAway());
  const alone = [...addressable.filter((target) => !target.isAway()), ...away];
  // Whoever has no GRUU cannot be chosen from among the others.
  if (filter) return alone;
  const others = () => (hasOthers(directory.of(to)) ? fitting().filter(isHere).filter(lacksGruu) : []);
  const count = others().length;
  // A request that forks reaches those with a GRUU as well: it goes instead of theirs, not beside them.
  if (count > 0) {
    const reason = `of ${found.filter(isHere).length} terminals here ${count} have no GRUU`;
    const isAway = () => fitting().every((terminal) => !terminal.here);
    return [
      { uri: to, isAway, why: `the core forks it: ${reason}` },
      ...alone.filter((each) => each.isAway()),
    ];
  }
  const [gone] = found.filter((terminal) => !terminal.here).filter(lacksGruu);
  const later = gone && { uri: to, isAway: () => others().length === 0, why: whyOf(gone) };
  return later ? [...alone, later] : alone;
}

/**
 * Whether any is here beside those with a GRUU. A registrar that names contacts by nothing but their addresses speaks of
 * those who named themselves as well, whatever applications they have.
 */
function hasOthers(known: readonly Terminal[]): boolean {
  const here = known.filter(isHere);
  return here.filter(lacksGruu).length > here.filter(isSelfNamed).length;
}

export function reasonForNone(
  { to, app, terminals: filter }: Pick<DeliveryRequest, 'to' | 'app' | 'terminals'>,
  directory: TerminalDirectory,
): string {
  const known = directory.of(to).length;
  const which = filter ? ', is among those asked for, and has a GRUU' : '';
  return `of ${known} terminals known of ${to} none has ${app}${which}`;
}

function addressed(gruu: string, terminal: Terminal | undefined, directory: TerminalDirectory): Target {
  if (!terminal) {
    const isAway = () => directory.find(gruu)?.here === false;
    return { uri: gruu, isAway, why: 'the terminal that was asked for' };
  }
  const { user, id } = terminal;
  const known = () => directory.of(user).find((each) => each.id === id) ?? terminal;
  return {
    // 5.2-03: the one that it has said last.
    get uri() {
      return known().gruu ?? gruu;
    },
    terminal,
    isAway: () => !known().here,
    get why() {
      const { here, seen } = known();
      const back = !terminal.here && here ? `, back since ${dateOf(seen)}` : '';
      return `${whyOf(terminal)}${back}`;
    },
  };
}

function whyOf({ here, seen }: Terminal): string {
  return here
    ? `its GRUU is known, and that it is here (${dateOf(seen)})`
    : `away, last seen ${dateOf(seen)}`;
}

function dateOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function isHere({ here }: Terminal): boolean {
  return here;
}

function lacksGruu({ gruu }: Terminal): boolean {
  return gruu === undefined;
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
