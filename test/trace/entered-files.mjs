/** Lists the files of a folder whose functions were entered, by the precise coverage of the JavaScript engine. */

import { readFileSync, realpathSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The engine's names for the code that initializes static members and the fields of an instance. */
const INITIALIZERS = ['<static_initializer>', '<instance_members_initializer>'];
/** The engine reports a constructor under the name of its class; the source range begins at the keyword. */
const CONSTRUCTOR = /^constructor\s*\(/;

/**
 * @typedef {object} EnteredFunction
 * @property {string} name empty for a function without one
 * @property {number} line
 * @property {number} calls
 * @typedef {Map<number, EnteredFunction>} EnteredFunctions by their position in the file
 */

/** Watches the modules of a folder. */
export class EnteredFiles {
  #session = new Session();
  #folder;
  /** @type {Map<string, string>} source text by path */
  #sources = new Map();

  /** @param {string} folder */
  constructor(folder) {
    // A prefix of module URLs, with a separator at its end.
    this.#folder = join(realpathSync(folder), '/');
  }

  /** Counts from now on, including in modules that load later. */
  async start() {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    // Function granularity: a count for each function, none for the blocks within.
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  /**
   * The functions that were entered since the last call. One that was suspended and continues counts as entered.
   * @returns {Promise<Map<string, EnteredFunctions>>} by the file's path in the folder
   */
  async take() {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const files = new Map();
    for (const { url, functions } of result) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : '';
      if (!path.startsWith(this.#folder)) continue;
      const entered = new Map();
      for (const { functionName: name, ranges } of functions) {
        const [{ startOffset, endOffset, count: calls }] = ranges;
        if (calls === 0) continue;
        const source = this.#sourceOf(path);
        if (!isCounted(name, source, startOffset, endOffset)) continue;
        entered.set(startOffset, { name, line: source.slice(0, startOffset).split('\n').length, calls });
      }
      if (entered.size > 0) files.set(relative(this.#folder, path), entered);
    }
    return files;
  }

  stop() {
    this.#session.disconnect();
  }

  #sourceOf(path) {
    const source = this.#sources.get(path) ?? readFileSync(path, 'utf8');
    this.#sources.set(path, source);
    return source;
  }
}

/** False for the top level of a module, constructors and initializers. */
function isCounted(name, source, start, end) {
  if (INITIALIZERS.includes(name)) return false;
  const isTopLevel = start === 0 && end === source.length;
  return !isTopLevel && !CONSTRUCTOR.test(source.slice(start, end));
}

/** Adds the functions of `more` to `files`. */
export function merge(files, more) {
  for (const [file, functions] of more) {
    const known = files.get(file) ?? new Map();
    for (const [position, entered] of functions) {
      known.set(position, { ...entered, calls: entered.calls + (known.get(position)?.calls ?? 0) });
    }
    files.set(file, known);
  }
}
