/** The console of a running host. Each line of its input is a command, and each command is answered by one event. */

import type { Readable } from 'node:stream';
import type { PushHost } from '../../core/host.js';
import { reasonOf } from '../../core/text.js';

/** The answer to a line. */
export type Answer = { event: 'answer'; line: string } & ({ answer: unknown } | { error: string });

type Host = Pick<PushHost, 'query'> & {
  runtime: Pick<PushHost['runtime'], 'deadLetters' | 'redeliver' | 'dropDeadLetter'>;
};

/** Longest line in characters. */
const MAX_LINE = 65_536;
/** Characters of a line that its answer quotes. */
const MAX_QUOTED = 200;

const EXPECTED = 'APP QUERY [JSON], dead-letters, redeliver ID or drop ID';

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
  if (first === 'dead-letters' && second === '') return runtime.deadLetters();
  if (first === 'redeliver' && second !== '') return requireFound(await runtime.redeliver(second), second);
  if (first === 'drop' && second !== '') return requireFound(await runtime.dropDeadLetter(second), second);
  if (second === '') throw new Error(`invalid command "${first.slice(0, MAX_QUOTED)}": expected ${EXPECTED}`);
  return await host.query(first, second, argumentsOf(rest));
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
