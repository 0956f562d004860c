/** How a push goes: by its size, what the terminal takes, and what its caller wants (AD-5.3.1-3). The one place for it. */

import type { PushMode } from '../app/contract/push-app.js';
import { acceptsType as accepts } from '../sdp/index.js';
import { MAX_PAGER_REQUEST } from './pager.js';
import type { PushModeChoice } from './push-request.js';
import type { TerminalFacts } from './terminals/terminal.js';

/** A push, as far as the choice depends on it. */
export interface Choosing {
  mode: PushModeChoice;
  /** Of each content, bytes as they are sent where known. */
  sizes: readonly (number | undefined)[];
  /** Of each content, its media type without parameters. */
  types: readonly string[];
  /** The content stays where it is, at a URL of somebody's. */
  referred: boolean;
  /** It is compressed: MSRP has no content codings. */
  coded: boolean;
  /** Somebody said where content is served that is referred to. */
  publishes: boolean;
}

export interface Choice {
  mode: PushMode;
  /** For people. */
  why: string;
}

/** The modes to try, one after another: each when the one before cannot be. None when nothing is left. */
export function modesFor(push: Choosing, terminal: TerminalFacts = {}): Choice[] {
  const unnamed = push.types.filter((type) => terminal.types && !accepts(terminal.types, type));
  // Its profile may be an old one: the terminal decides.
  const doubt = unnamed.length === 0 ? '' : `; its profile does not name ${unnamed.join(', ')}`;
  return modesOf(push, terminal).map(({ mode, why }) => ({ mode, why: why + doubt }));
}

function modesOf(push: Choosing, terminal: TerminalFacts): Choice[] {
  const { mode, sizes, referred, coded, publishes } = push;
  if (referred) return [{ mode: 'indirect', why: 'its content lies elsewhere' }];
  if (mode === 'session' || mode === 'indirect') return [{ mode, why: 'asked for' }];
  const tooLarge = `${size(sizes)} do not fit a MESSAGE of ${MAX_PAGER_REQUEST} bytes`;
  const byReference = (why: string): Choice[] => (publishes ? [{ mode: 'indirect', why }] : []);
  if (mode === 'pager') return [{ mode, why: 'asked for' }, ...byReference(`${tooLarge} (8.1.2-03)`)];
  const hindered = hindrance(sizes, terminal);
  const why = hindered ?? tooLarge;
  return [
    ...(hindered === undefined ? [{ mode: 'pager', why: `${size(sizes)} fit a MESSAGE` } as const] : []),
    ...(coded || !takes(terminal, 'INVITE') ? [] : [{ mode: 'session', why } as const]),
    ...byReference(`${why}, and ${noSession(coded)}`),
  ];
}

/** Why it cannot be in a MESSAGE; the request as a whole decides (8.1.2-03), where nothing is known ahead. */
function hindrance(sizes: readonly (number | undefined)[], terminal: TerminalFacts): string | undefined {
  const [bytes = 0, ...others] = sizes;
  const { maxSize = MAX_PAGER_REQUEST } = terminal;
  if (others.length > 0) return `${size(sizes)} do not fit a MESSAGE`;
  if (!takes(terminal, 'MESSAGE')) return 'the terminal takes no MESSAGE';
  if (bytes > MAX_PAGER_REQUEST) return `${size(sizes)} do not fit a MESSAGE of ${MAX_PAGER_REQUEST} bytes`;
  return bytes > maxSize ? `${size(sizes)} are more than the ${maxSize} that the terminal takes` : undefined;
}

/** One that has not said what it takes may take anything. */
function takes({ methods }: TerminalFacts, method: string): boolean {
  return methods?.includes(method) ?? true;
}

function noSession(coded: boolean): string {
  return coded ? 'a session has no content codings' : 'the terminal takes no sessions';
}

function size(sizes: readonly (number | undefined)[]): string {
  if (sizes.length > 1) return `${sizes.length} files`;
  const [bytes] = sizes;
  return bytes === undefined ? 'its bytes' : `its ${bytes} bytes`;
}
