/** The application in a module, as its format exports it. */

/**
 * CommonJS modules that a compiler made are imported as `{ default: { default: application } }`, and once more when they
 * are bundled.
 */
const MAX_DEPTH = 3;

/** The application that a module exports: its default export, or that of the CommonJS module in it. */
export function exportedApplication(module: unknown): unknown {
  let found: unknown = Object(module).default;
  for (let depth = 0; depth < MAX_DEPTH && wrapsDefault(found); depth++) found = found.default;
  return found;
}

/** A definition has no `default`. A CommonJS module can have both: `module.exports.default = module.exports = …`. */
function wrapsDefault(value: unknown): value is { default: unknown } {
  return typeof value === 'object' && value !== null && 'default' in value && !('start' in value);
}
