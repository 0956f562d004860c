/** Selects the push mode by the size of the content, the terminal's capabilities and the request (AD-5.3.1-3). */

import type { PushMode } from '../app/contract/push.js';
import { MAX_PAGER_REQUEST } from './pager.js';
import type { PushModeChoice } from './push-request.js';
import type { TerminalFacts } from './terminals/terminal.js';

/** The facts of a push that the selection depends on. */
export interface ModeCriteria {
  mode: PushModeChoice;
  /** For each content, its size in bytes as sent, if known. */
  sizes: readonly (number | undefined)[];
  /** The application serves the content at its own URL. */
  referenced: boolean;
  /** The content is compressed; MSRP has no content codings. */
  encoded: boolean;
  /** The sender can publish content for retrieval. */
  canPublish: boolean;
}

export interface ModeOption {
  mode: PushMode;
  /** The reason, as text for people. */
  why: string;
}

/** The modes to try in order, each if the previous one is not possible. Empty if no mode is possible. */
export function modesFor(push: ModeCriteria, terminal: TerminalFacts = {}): ModeOption[] {
  const { mode, sizes, referenced, encoded, canPublish } = push;
  if (referenced) return [{ mode: 'indirect', why: 'the content is at a URL' }];
  if (mode === 'session' || mode === 'indirect') return [{ mode, why: 'as requested' }];
  const tooLarge = `${sizeText(sizes)} exceed the limit of ${MAX_PAGER_REQUEST} bytes for a MESSAGE`;
  const byReference = (why: string): ModeOption[] => (canPublish ? [{ mode: 'indirect', why }] : []);
  if (mode === 'pager') return [{ mode, why: 'as requested' }, ...byReference(`${tooLarge} (8.1.2-03)`)];
  const obstacle = pagerObstacle(sizes, terminal);
  const why = obstacle ?? tooLarge;
  return [
    ...(obstacle === undefined ? [{ mode: 'pager', why: `${sizeText(sizes)} fit a MESSAGE` } as const] : []),
    ...(encoded || !supports(terminal, 'INVITE') ? [] : [{ mode: 'session', why } as const]),
    ...byReference(`${why}, and ${noSession(encoded)}`),
  ];
}

/** Why a MESSAGE cannot contain the content; undefined if only the size of the whole request can decide (8.1.2-03). */
function pagerObstacle(sizes: readonly (number | undefined)[], terminal: TerminalFacts): string | undefined {
  const [bytes = 0, ...others] = sizes;
  const { maxSize = MAX_PAGER_REQUEST } = terminal;
  if (others.length > 0) return `${sizeText(sizes)} do not fit a MESSAGE`;
  if (!supports(terminal, 'MESSAGE')) return 'the terminal does not support MESSAGE';
  if (bytes > MAX_PAGER_REQUEST) {
    return `${sizeText(sizes)} exceed the limit of ${MAX_PAGER_REQUEST} bytes for a MESSAGE`;
  }
  return bytes > maxSize ? `${sizeText(sizes)} exceed the terminal's limit of ${maxSize} bytes` : undefined;
}

/** A terminal that has not listed its methods may support any. */
function supports({ methods }: TerminalFacts, method: string): boolean {
  return methods?.includes(method) ?? true;
}

function noSession(encoded: boolean): string {
  return encoded ? 'sessions have no content codings' : 'the terminal does not support sessions';
}

function sizeText(sizes: readonly (number | undefined)[]): string {
  if (sizes.length > 1) return `${sizes.length} files`;
  const [bytes] = sizes;
  return bytes === undefined ? 'content of unknown size may' : `${bytes} bytes`;
}
