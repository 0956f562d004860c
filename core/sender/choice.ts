/** How a push goes: by its size, what the terminal takes, and what its caller wants (AD-5.3.1-3). The one place for it. */

import type { PushMode } from '../app/contract.js';
import { MAX_PAGER_REQUEST } from './pager.js';
import type { PushModeWish } from './push-request.js';
import type { TerminalFacts } from './terminals/terminal.js';

/** A push, as far as the choice depends on it. */
export interface Choosing {
  mode: PushModeWish;
  /** Of each content, bytes as they are sent where known. */
  sizes: readonly (number | undefined)[];
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
  const { mode, sizes, referred, coded, publishes } = push;
  if (referred) return [{ mode: 'indirect', why: 'its content lies elsewhere' }];
  if (mode === 'session' || mode === 'indirect') return [{ mode, why: 'asked for' }];
  const tooLarge = `${size(sizes)} do not fit a MESSAGE of ${MAX_PAGER_REQUEST} bytes`;
  const byReference: Choice[] = publishes ? [{ mode: 'indirect', why: `${tooLarge} (8.1.2-03)` }] : [];
  if (mode === 'pager') return [{ mode, why: 'asked for' }, ...byReference];
  return [
    ...(fitsMessage(sizes, terminal)
      ? [{ mode: 'pager', why: `${size(sizes)} fit a MESSAGE` } as const]
      : []),
    ...(coded || !takes(terminal, 'INVITE') ? [] : [{ mode: 'session', why: tooLarge } as const]),
    ...byReference.map((choice) => ({ ...choice, why: `${choice.why}, and ${noSession(coded)}` })),
  ];
}

/** The request as a whole decides (8.1.2-03); what is larger by itself need not be tried. */
function fitsMessage(sizes: readonly (number | undefined)[], terminal: TerminalFacts): boolean {
  const [bytes = 0, ...others] = sizes;
  const most = Math.min(MAX_PAGER_REQUEST, terminal.maxSize ?? MAX_PAGER_REQUEST);
  return others.length === 0 && sizes.length > 0 && bytes <= most && takes(terminal, 'MESSAGE');
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
