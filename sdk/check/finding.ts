/** Findings of a check: their places in the source, from stack traces, and their score. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `at receive (file:///app/dist/index.js:12:5)`, or without a function; a path can contain blanks and parentheses. */
const FRAME = /^at (?:async )?(?:[^/\\]*? \()?((?:file:\/\/|\/|[A-Za-z]:\\).+):(\d+):(\d+)\)?$/;

/** A line of a file. */
export interface SourceLocation {
  path: string;
  line: number;
}

/** The frames of a stack trace, innermost first, without those of Node.js itself. */
export function sourceLocations(stack: string): SourceLocation[] {
  return stack.split('\n').flatMap((line) => {
    const [, at = '', number = '0'] = FRAME.exec(line.trim()) ?? [];
    if (at === '' || at.startsWith('node:')) return [];
    return [{ path: at.startsWith('file://') ? fileURLToPath(at) : at, line: Number(number) }];
  });
}

/** The innermost line of the folder's code in the stack of an error, such as `dist/index.js:12`. */
export function locationOf(error: unknown, folder: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const location = sourceLocations(stack).find((each) => isInFolder(each, folder));
  return location && formatLocation(location, folder);
}

/** Whether the location is in the folder's own code, not in a package installed there. */
export function isInFolder({ path }: SourceLocation, folder: string): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length).includes('/node_modules/');
}

export function formatLocation({ path, line }: SourceLocation, folder: string): string {
  return `${relative(folder, path)}:${line}`;
}

/** `error`: violates the contract. `warning`: likely to cause problems. `advice`: an improvement. */
export type Severity = 'error' | 'warning' | 'advice';

/** One problem that the check found. */
export interface Finding {
  /** Name of the rule as listed in the README of sdk/check, such as `broken-content`. */
  readonly rule: string;
  readonly severity: Severity;
  /** event-app-id of the application, if the finding concerns one. */
  readonly app?: string;
  /** What happened. */
  readonly what: string;
  /** File and line, or key of package.json. */
  readonly where: string;
  /** What to change. */
  readonly change: string;
}

/** Points out of 100 that a violated rule costs, independently of the number of violations. */
const COSTS: Readonly<Record<Severity, number>> = { error: 20, warning: 5, advice: 1 };

/** Rules without which few or no other rules can be checked. */
const HIGHER_COSTS: ReadonlyMap<string, number> = new Map([
  ['manifest', 100],
  ['definition', 100],
  ['needs', 100],
  ['starts', 100],
  ['receive-ends', 50],
  ['survives', 50],
]);

/** Score out of 100. Each rule counts once, with its worst finding, because one mistake can show in many places. */
export function scoreOf(findings: readonly Finding[]): number {
  const costs = new Map<string, number>();
  for (const { rule, severity } of findings) {
    const cost = HIGHER_COSTS.get(rule) ?? COSTS[severity];
    costs.set(rule, Math.max(costs.get(rule) ?? 0, cost));
  }
  return Math.max(0, 100 - [...costs.values()].reduce((sum, cost) => sum + cost, 0));
}

const SOURCE_LINE = /:\d+$/;

/** Whether two findings report the same problem: of the same rule, or at the same line of the source. */
export function isSame(one: Finding, other: Finding): boolean {
  if (one.app !== other.app || one.where !== other.where) return false;
  return one.rule === other.rule || SOURCE_LINE.test(one.where);
}
