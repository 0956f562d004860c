/** Finds the entry module of a package. */

/** Conditions of an export map that Node.js and bundlers match for an import. */
const CONDITIONS = ['node', 'import', 'module-sync', 'default'];

/** @param fields fields of package.json. @returns a path in the package. */
export function entryOf({ exports, main }: { exports?: unknown; main?: unknown }): string {
  return target(exports) ?? (typeof main === 'string' ? main : './index.js');
}

function target(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (Array.isArray(exports)) return target(exports[0]);
  if (typeof exports !== 'object' || exports === null) return undefined;
  const entries: [string, unknown][] = Object.entries(exports);
  if (Object.hasOwn(exports, '.')) return target(Object.fromEntries(entries)['.']);
  for (const [condition, value] of entries) {
    const found = CONDITIONS.includes(condition) ? target(value) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
