export interface LockEntry {
  name?: string;
  version?: string;
  license?: string;
  resolved?: string;
  integrity?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
}
export interface Vulnerability {
  name: string;
  severity: string;
  range: string;
  via: (string | { title: string; url: string })[];
}
export type AuditReport =
  | { vulnerabilities: Record<string, Vulnerability> }
  | { message: string }
  | undefined;

export const LICENSES: { users: string[]; development: string[] };
export const SCRIPTS: Record<string, Record<string, string>>;
export function problemsOf(
  packages: Record<string, LockEntry>,
  scriptsOf: (path: string) => Record<string, string> | undefined,
): string[];
export function isAllowed(expression: string, licenses: readonly string[]): boolean;
export function advisoriesOf(
  users: AuditReport,
  development: AuditReport,
): { problems: string[]; notes: string[]; unanswered: string | undefined };
