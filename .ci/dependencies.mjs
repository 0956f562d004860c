/**
 * Checks the dependencies of package-lock.json, and exits with 1 if there is a problem:
 *
 * - install scripts: only those of SCRIPTS, with the same commands;
 * - licenses: only those of LICENSES;
 * - sources: only the npm registry, with a digest of each package;
 * - known advisories: none in what users install, none that is high or critical in what only development uses.
 *
 *   node .ci/dependencies.mjs            says so if the registry does not answer, and checks the rest
 *   node .ci/dependencies.mjs --online   fails as well if the registry does not answer
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

/** Identifiers of SPDX. What only development uses is not distributed, so that it can be under further licenses. */
export const LICENSES = {
  users: PERMISSIVE,
  development: [...PERMISSIVE, 'BlueOak-1.0.0', 'CC-BY-4.0', 'MPL-2.0', 'Unlicense'],
};

/** Packages whose package.json names no license, by `name@version`, with the license of their file. */
const UNNAMED = { 'khroma@2.1.0': 'MIT' };

/** Install scripts that were read. Neither downloads anything if the optional packages are installed. */
export const SCRIPTS = {
  // Uses the binary of the package, or compiles LevelDB where it has none.
  'classic-level': { install: 'node-gyp-build' },
  // Checks the binary of the optional package for this platform.
  esbuild: { postinstall: 'node install.js' },
};

const HOOKS = ['preinstall', 'install', 'postinstall'];
const REGISTRY = 'https://registry.npmjs.org/';
const SERIOUS = ['high', 'critical'];

/**
 * @param packages of package-lock.json.
 * @param scriptsOf the scripts of an installed package by its path, or undefined if it is not installed.
 * @returns a line for each problem of licenses, install scripts and sources.
 */
export function problemsOf(packages, scriptsOf) {
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '') return [];
    const name = entry.name ?? path.split('node_modules/').at(-1);
    const title = `${name}@${entry.version}`;
    const allowed = entry.dev ? LICENSES.development : LICENSES.users;
    const license = entry.license ?? UNNAMED[title] ?? 'none';
    return [
      ...(isAllowed(license, allowed)
        ? []
        : [`${title}: license ${license}, expected ${allowed.join(', ')}`]),
      ...(entry.resolved === undefined || entry.resolved.startsWith(REGISTRY)
        ? []
        : [`${title}: comes from ${entry.resolved}, expected the npm registry`]),
      ...(entry.integrity ? [] : [`${title}: has no digest in package-lock.json`]),
      ...scriptProblems(name, title, entry, scriptsOf(path)),
    ];
  });
}

function scriptProblems(name, title, { hasInstallScript }, scripts) {
  const known = SCRIPTS[name] ?? {};
  if (hasInstallScript && !(name in SCRIPTS)) return [`${title}: has an install script that was not read`];
  return HOOKS.filter((hook) => scripts?.[hook] !== undefined && scripts[hook] !== known[hook]).map(
    (hook) => `${title}: its ${hook} script was not read: ${scripts[hook]}`,
  );
}

/** Whether an expression of SPDX can be satisfied with these licenses. OR binds less than AND. */
export function isAllowed(expression, licenses) {
  const tokens = expression.match(/[()]|[^()\s]+/g) ?? [];
  const either = () => {
    let result = both();
    while (tokens[0] === 'OR') {
      tokens.shift();
      // Both sides are read.
      result = both() || result;
    }
    return result;
  };
  const both = () => {
    let result = one();
    while (tokens[0] === 'AND') {
      tokens.shift();
      result = one() && result;
    }
    return result;
  };
  const one = () => {
    const token = tokens.shift();
    if (token !== '(') return licenses.includes(token);
    const result = either();
    return tokens.shift() === ')' && result;
  };
  return either() && tokens.length === 0;
}

/**
 * @param users, development output of `npm audit --json`, without and with what only development uses.
 * @returns the problems, notes on the other advisories, and why the registry did not answer if it did not.
 */
export function advisoriesOf(users, development) {
  const unanswered = [users, development].map(failureOf).find((reason) => reason !== undefined);
  if (unanswered !== undefined) return { problems: [], notes: [], unanswered };
  const affected = new Set(Object.keys(users.vulnerabilities));
  const lines = (vulnerabilities) =>
    vulnerabilities.map(({ name, severity, via, range }) => {
      const causes = via.map((each) => (typeof each === 'string' ? each : `${each.title} ${each.url}`));
      return `${name} ${range}: ${severity}: ${causes.join('; ')}`;
    });
  const others = Object.values(development.vulnerabilities).filter(({ name }) => !affected.has(name));
  return {
    problems: lines([
      ...Object.values(users.vulnerabilities),
      ...others.filter(({ severity }) => SERIOUS.includes(severity)),
    ]),
    notes: lines(others.filter(({ severity }) => !SERIOUS.includes(severity))),
    unanswered: undefined,
  };
}

function failureOf(report) {
  if (typeof report?.vulnerabilities === 'object') return undefined;
  return report?.message || report?.error?.summary || 'no answer of npm audit';
}

function audit(...options) {
  // Within `npm run`, npm sets its path; otherwise use npm in PATH.
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm ? [process.execPath, npm] : ['npm'];
  const impatient = ['--fetch-retries=1', '--fetch-retry-mintimeout=500', '--fetch-timeout=30000'];
  const { stdout } = spawnSync(program, [...first, 'audit', '--json', ...impatient, ...options], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function main(words) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const scriptsOf = (path) => {
    const manifest = join(ROOT, path, 'package.json');
    return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')).scripts ?? {}) : undefined;
  };
  const problems = problemsOf(packages, scriptsOf);
  console.log(
    `${Object.keys(packages).length - 1} packages: licenses, install scripts and sources were checked`,
  );
  const users = audit('--omit=dev');
  const advisories = advisoriesOf(users, failureOf(users) === undefined ? audit() : undefined);
  problems.push(...advisories.problems);
  for (const note of advisories.notes) console.log(`note: ${note}`);
  const { unanswered } = advisories;
  if (unanswered === undefined) console.log('known advisories were checked');
  else console.log(`known advisories were NOT checked: the registry does not answer: ${unanswered}`);
  if (unanswered !== undefined && words.includes('--online'))
    problems.push('known advisories were not checked');
  for (const problem of problems) console.log(`problem: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit(main(process.argv.slice(2)));
