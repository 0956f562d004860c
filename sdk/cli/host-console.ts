/** The console of a running host. Each line of its input is a command, and each command is answered by one event. */

import type { Readable } from 'node:stream';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import type { PushHost } from '../../core/host.js';
import { didYouMean, reasonOf } from '../../core/text.js';

/** The answer to a line. */
export type Answer = { event: 'answer'; line: string } & ({ answer: unknown } | { error: string });

type Host = Pick<PushHost, 'query'> & {
  runtime: Pick<PushHost['runtime'], 'redeliver' | 'dropDeadLetter' | 'eventAppIds'> & {
    deadLetters(): readonly { id: string }[];
  };
};

/** Longest line in characters. */
const MAX_LINE = 65_536;
/** Ids in the error about an ambiguous one. */
const MAX_SHOWN = 5;
/** Characters of a line that its answer quotes. */
const MAX_QUOTED = 200;

/** The commands, for people. */
export const CONSOLE_HELP = `  APP QUERY [JSON]           sends a query to the application
  dead-letters               lists the pushes that were not accepted
  redeliver ID, drop ID      redelivers or deletes a dead letter; the first characters of its ID are sufficient`;

const COMMANDS = ['dead-letters', 'redeliver', 'drop', 'help'];

/**
 * Answers the lines of `input` in order until it ends or fails. The host continues running.
 * @returns a function that ends the console and closes `input`.
 */
export function answerLines(input: Readable, host: Host, print: (answer: Answer) => void): () => void {
  const reading = (async () => {
    for await (const line of linesOf(input)) if (line !== '') print(await answerTo(line, host));
  })();
  reading.catch(() => {});
  return () => void input.destroy();
}

/** Whether a line is a command about dead letters. */
export function isDeadLetterCommand(line: string): boolean {
  return /^(dead-letters|(redeliver|drop)\s+\S+)$/.test(line);
}

/** Never rejects. */
export async function answerTo(line: string, host: Host): Promise<Answer> {
  const quoted = line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line;
  try {
    if (line.length > MAX_LINE) throw new Error(`invalid line: expected at most ${MAX_LINE} characters`);
    // JSON has no undefined.
    return { event: 'answer', line: quoted, answer: (await execute(line, host)) ?? null };
  } catch (error) {
    return { event: 'answer', line: quoted, error: reasonOf(error) };
  }
}

async function execute(line: string, host: Host): Promise<unknown> {
  const [, first = '', second = '', rest = ''] = /^(\S+)(?:\s+(\S+)(?:\s+(.*))?)?$/.exec(line) ?? [];
  const { runtime } = host;
  const apps = runtime.eventAppIds;
  if (first === 'help' && second === '') {
    return [...CONSOLE_HELP.split('\n').map((command) => command.trim()), `applications: ${apps.join(', ')}`];
  }
  if (first === 'dead-letters' && second === '') return runtime.deadLetters();
  if (first === 'redeliver' && second !== '') {
    const id = wholeId(second, runtime.deadLetters());
    return requireFound(await runtime.redeliver(id), id);
  }
  if (first === 'drop' && second !== '') {
    const id = wholeId(second, runtime.deadLetters());
    return requireFound(await runtime.dropDeadLetter(id), id);
  }
  const shown = first.slice(0, MAX_QUOTED);
  if (!apps.includes(canonicalEventAppId(first))) {
    const similar = COMMANDS.includes(first) ? '' : didYouMean(shown, [...apps, ...COMMANDS]);
    const hint = similar || ': "help" lists the commands and the applications';
    throw new Error(`invalid command or application "${shown}"${hint}`);
  }
  if (second === '') throw new Error(`missing query: expected ${shown} QUERY [JSON]`);
  return await host.query(first, second, argumentsOf(rest));
}

/** The id that begins with these characters. @throws Error if several do. */
function wholeId(text: string, letters: readonly { id: string }[]): string {
  if (letters.some(({ id }) => id === text)) return text;
  const beginning = text.replace(/(…|\.\.\.)$/, '');
  const found = letters.map(({ id }) => id).filter((id) => id.startsWith(beginning));
  const [only = text, ...others] = found;
  if (others.length === 0) return only;
  const shown = found.slice(0, MAX_SHOWN).join(', ');
  const more = found.length > MAX_SHOWN ? ` and ${found.length - MAX_SHOWN} others` : '';
  throw new Error(`ambiguous id "${text}": expected more characters of one of ${shown}${more}`);
}

function requireFound(found: boolean, id: string): true {
  if (found) return true;
  throw new Error(`no dead letter "${id}": list them with dead-letters`);
}

function argumentsOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`invalid arguments "${text.slice(0, MAX_QUOTED)}": expected JSON (${reasonOf(error)})`);
  }
}

/** Yields trimmed lines. A line longer than `MAX_LINE` is truncated to one character more. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of input.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE + 1);
    for (const line of lines) yield line.trim();
  }
  yield rest.trim();
}
