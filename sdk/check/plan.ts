/** What is to be checked, as the process that runs it is told. */

import type { AppPermissions } from '../../core/app/contract/permissions.js';

/** Content of which an application says that it takes it. */
export interface Sample {
  /** With parameters, where it has any. */
  readonly type: string;
  /** Absolute path. */
  readonly file: string;
}

/** One application. */
export interface CheckedApp {
  /** What `import` takes: the URL of a file, or a package's export. */
  readonly module: string;
  /** Of the package: what lies in it is the application's. */
  readonly folder: string;
  /** As the manifest has them; absent where there is none. */
  readonly declared?: { readonly id: string; readonly accepts: readonly string[]; readonly iari?: string };
  readonly options?: unknown;
  readonly permissions?: AppPermissions;
  readonly samples: readonly Sample[];
}

/** Every application of a package. */
export interface CheckPlan {
  readonly apps: readonly CheckedApp[];
}
