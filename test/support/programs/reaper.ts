/**
 * Kills the programs that tests started when the test runner dies, even by SIGKILL. A small shell keeps the list of
 * process groups, and kills them when its standard input closes.
 */

import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
trap '' INT TERM HUP
groups=
while read -r word group; do
  if [ "$word" = watch ]; then groups="$groups $group"; continue; fi
  rest=
  for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done
  groups=$rest
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

let shell: ChildProcess | undefined;

export function watchGroup(group: number): void {
  send(`watch ${group}\n`);
}

export function forgetGroup(group: number): void {
  send(`forget ${group}\n`);
}

/** Kills the remaining processes in the process group of a program. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function send(line: string): void {
  shell ??= start();
  shell.stdin?.write(line);
}

function start(): ChildProcess {
  // Detached, so that Ctrl-C reaches only the test runner, whose end the shell notices.
  const child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.unref();
  const { stdin } = child;
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return child;
}
