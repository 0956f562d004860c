/** Which line of an application something was at. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FRAME = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()\s]+):(\d+):(\d+)\)?$/;

/** A place in a file. */
export interface SourceLocation {
  path: string;
  line: number;
}

/** Of a stack trace, the call that came last first; frames of Node.js itself are none. */
export function sourceLocations(stack: string): SourceLocation[] {
  return stack.split('\n').flatMap((line) => {
    const [, at = '', number = '0'] = FRAME.exec(line.trim()) ?? [];
    if (at === '' || at.startsWith('node:')) return [];
    return [{ path: at.startsWith('file://') ? fileURLToPath(at) : at, line: Number(number) }];
  });
}

/** `dist/index.js:12` of what was thrown, where the folder's code is in its stack. */
export function locationOf(error: unknown, folder: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = sourceLocations(stack).find((each) => isInFolder(each, folder));
  return place && formatLocation(place, folder);
}

/** Whether it is code of the folder itself, and not of a package installed there. */
export function isInFolder({ path }: SourceLocation, folder: string): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length).includes('/node_modules/');
}

export function formatLocation({ path, line }: SourceLocation, folder: string): string {
  return `${relative(folder, path)}:${line}`;
}

/** What the check finds, and what it is worth. */

/** `error`: against the contract. `warning`: will give trouble. `advice`: could be better. */
export type Severity = 'error' | 'warning' | 'advice';

/** One thing that is to be changed. */
export interface Finding {
  /** Its name, as the README of sdk/check has it: `broken-content`. */
  readonly rule: string;
  readonly severity: Severity;
  /** event-app-id of the application, where it is of one. */
  readonly app?: string;
  /** What happened. */
  readonly what: string;
  /** File and line, or key of package.json. */
  readonly where: string;
  /** What to write instead. */
  readonly change: string;
}

/** Points of a hundred that a rule costs, however often it was broken. */
const COSTS: Readonly<Record<Severity, number>> = { error: 20, warning: 5, advice: 1 };

/** Of these hardly anything else could be checked, or nothing at all. */
const HIGHER_COSTS: ReadonlyMap<string, number> = new Map([
  ['manifest', 100],
  ['definition', 100],
  ['starts', 100],
  ['receive-ends', 50],
  ['survives', 50],
]);

/** Of 100; by the worst that each rule found, since one mistake shows in many places. */
export function scoreOf(findings: readonly Finding[]): number {
  const costs = new Map<string, number>();
  for (const { rule, severity } of findings) {
    const cost = HIGHER_COSTS.get(rule) ?? COSTS[severity];
    costs.set(rule, Math.max(costs.get(rule) ?? 0, cost));
  }
  return Math.max(0, 100 - [...costs.values()].reduce((sum, cost) => sum + cost, 0));
}

/** The same place, found again by another push. */
export function isSame(one: Finding, other: Finding): boolean {
  return one.rule === other.rule && one.where === other.where && one.app === other.app;
}
