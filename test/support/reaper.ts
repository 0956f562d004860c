/**
 * Kills what a test started when the test runner dies, even by SIGKILL: a small shell holds the list of process
 * groups, and the end of its input tells it that this process is no more.
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
  tell(`watch ${group}\n`);
}

export function forgetGroup(group: number): void {
  tell(`forget ${group}\n`);
}

/** Whatever a program left running in its process group. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function tell(line: string): void {
  shell ??= start();
  shell.stdin?.write(line);
}

function start(): ChildProcess {
  // Detached: Ctrl-C reaches the test runner, and this shell sees only that it has ended.
  const child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.unref();
  const { stdin } = child;
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return child;
}
