/**
 * Modules of packages as they would be if they were ES modules, and without what nobody here asks of them. They are
 * changed as text: the versions are known, and a bundle that is run shows whether they still fit.
 */

import { RUNTIME } from './stand-ins.js';

/** Of JsSIP, by the end of its path: its registrator and its transport, whose other halves are `runtime/jssip`. */
const JSSIP = ['jssip/lib/Transport', 'jssip/lib/Registrator'];

type Change = (text: string) => string;

const esModuleOfJsSip: Change = (text) =>
  text
    // Nobody reads what they log, unless DEBUG is in the environment.
    .replace(/^ *(const logger = new Logger|logger\.\w+)\(.*\);$/gm, '')
    .replace(/^const Logger = require.*$/m, '')
    .replace(/^const RequestSender = require.*$/m, `import { RequestSender } from '${RUNTIME}jssip';`)
    .replace(/^const (\w+) = require\('\.\/\w+'\);$/gm, `import * as $1 from '${RUNTIME}jssip';`)
    .replace('module.exports = class', 'export default class');

const SDP_TRANSFORM: Readonly<Record<string, Change>> = {
  'sdp-transform/lib/index': () =>
    "export { parse } from './parser.js'; export { default as write } from './writer.js';",
  // Attributes `core/sdp` reads and writes by itself, as text: only the last rule is left, for any.
  'sdp-transform/lib/grammar': (text) =>
    cut(text, '  a: [', "    {\n      // any a= that we don't understand", '  a: [\n')
      .replace('module.exports = ', '')
      .concat('\nexport default grammar;\n'),
  // Without what it makes of attributes' values.
  'sdp-transform/lib/parser': (text) =>
    importingGrammar(cut(text, 'var paramReducer')).replace('exports.parse =', 'export const parse ='),
  'sdp-transform/lib/writer': (text) =>
    importingGrammar(text).replace('module.exports = function', 'export default function'),
};

/**
 * What becomes of modules, by the ends of their paths.
 * @param foreign applications of others are inside, which may want all of a package.
 */
export function shortenedModules(foreign: boolean): Readonly<Record<string, Change>> {
  return {
    ...Object.fromEntries(JSSIP.map((module) => [module, esModuleOfJsSip])),
    ...(foreign ? {} : SDP_TRANSFORM),
  };
}

function importingGrammar(text: string): string {
  return text.replace("var grammar = require('./grammar');", "import grammar from './grammar.js';");
}

/** Without what is from `start` up to `end`, or up to its end. */
function cut(text: string, start: string, end?: string, instead = ''): string {
  const from = text.indexOf(start);
  const to = end === undefined ? text.length : text.indexOf(end);
  return from < 0 || to < from ? text : `${text.slice(0, from)}${instead}${text.slice(to)}`;
}
