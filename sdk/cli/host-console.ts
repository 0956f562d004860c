/** The console of a running host: one command per line, answered by one event each. */

import type { Readable } from 'node:stream';
import type { PushHost } from '../../core/host.js';

/** The answer to a line. */
export type Answer = { event: 'answer'; line: string } & ({ answer: unknown } | { error: string });

type Host = Pick<PushHost, 'query'> & {
  runtime: Pick<PushHost['runtime'], 'deadLetters' | 'redeliver' | 'dropDeadLetter'>;
};

/** Longest line in characters. */
const MAX_LINE = 65_536;
/** Characters of the line that its answer repeats. */
const MAX_SHOWN = 200;

const EXPECTED = 'APP QUERY [JSON], dead-letters, again ID or drop ID';

/**
 * Answers lines one after another until the input ends or fails. The host continues then.
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
  const shown = line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
  try {
    if (line.length > MAX_LINE) throw new Error(`invalid line: expected at most ${MAX_LINE} characters`);
    // JSON has no undefined.
    return { event: 'answer', line: shown, answer: (await ask(line, host)) ?? null };
  } catch (error) {
    return { event: 'answer', line: shown, error: error instanceof Error ? error.message : String(error) };
  }
}

async function ask(line: string, host: Host): Promise<unknown> {
  const [, first = '', second = '', rest = ''] = /^(\S+)(?:\s+(\S+)(?:\s+(.*))?)?$/.exec(line) ?? [];
  const { runtime } = host;
  if (first === 'dead-letters' && second === '') return runtime.deadLetters();
  if (first === 'again' && second !== '') return known(await runtime.redeliver(second), second);
  if (first === 'drop' && second !== '') return known(await runtime.dropDeadLetter(second), second);
  if (second === '') throw new Error(`invalid command "${first.slice(0, MAX_SHOWN)}": expected ${EXPECTED}`);
  return await host.query(first, second, argumentsOf(rest));
}

function known(found: boolean, id: string): true {
  if (found) return true;
  throw new Error(`no dead letter "${id}": list them with dead-letters`);
}

function argumentsOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(
      `invalid arguments "${text.slice(0, MAX_SHOWN)}": expected JSON (${(error as Error).message})`,
    );
  }
}

/** Yields trimmed lines. An overlong line is cut, and remains overlong. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of input.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE + 1);
    for (const line of lines) yield line.trim();
  }
  yield rest.trim();
}
