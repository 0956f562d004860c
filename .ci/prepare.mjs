/**
 * Prepares a clone: installs npm packages; with --peers, the third-party programs of the tests, and with --slow those of
 * slow tests as well; with --build, builds the package. Skips what is up to date. Writes to stderr only, because standard
 * output belongs to the command of `npm start`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missingParts, PEERS } from './peers.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = 20;

const words = new Set(process.argv.slice(2));
process.chdir(ROOT);
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  fail(`Node.js ${process.versions.node} is too old: install Node.js ${OLDEST_NODE} or later.`);
}
installPackages();
if (words.has('--peers')) installPeers();
if (words.has('--build')) {
  const { buildIfStale } = await import('./build.mjs');
  await buildIfStale();
}

function installPackages() {
  const reason = packagesOutdated();
  if (reason === undefined) return;
  say(`${reason}: npm ci`);
  // Within `npm start`, npm sets its path; otherwise use npm in PATH.
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm ? [process.execPath, npm] : ['npm'];
  run(
    program,
    [
      ...first,
      'ci',
      '--include=dev',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      // With its defaults, npm takes six minutes to report a missing network.
      '--fetch-retries=1',
      '--fetch-retry-mintimeout=500',
      '--fetch-retry-maxtimeout=500',
    ],
    'The npm packages could not be installed (see the output of npm above): ' +
      'check the network and `npm config get registry`, then retry.',
  );
}

/** Why the packages must be installed, or undefined. npm lists installed packages in node_modules. */
function packagesOutdated() {
  if (!existsSync('node_modules')) return 'no node_modules';
  if (!existsSync('node_modules/.package-lock.json')) return 'node_modules is incomplete';
  const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const found = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
  const differs = Object.entries(wanted).find(
    ([path, { version, integrity, optional }]) =>
      path !== '' &&
      // Optional packages are for other platforms.
      (found[path] === undefined
        ? !optional
        : found[path].version !== version || found[path].integrity !== integrity),
  );
  return differs && `${differs[0]} differs from package-lock.json`;
}

function installPeers() {
  const wanted = Object.keys(PEERS).filter((peer) => !PEERS[peer].slow || words.has('--slow'));
  const missing = wanted.filter((peer) => missingParts(peer).length > 0);
  if (missing.length === 0) return;
  const packages = missing.flatMap((peer) => PEERS[peer].packages).join(' ');
  const summary = `Missing: ${missing.map((peer) => `${peer} (${missingParts(peer).join(', ')})`).join('; ')}.`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    const command = `sudo apt-get install --no-install-recommends ${packages}`;
    if (process.env.CI === 'true') fail(`${summary} They are required when CI=true: ${command}`);
    say(`${summary} Their tests will be skipped. On Debian: ${command}`);
    return;
  }
  say(`${summary} Installing Debian's ${packages}`);
  withoutServices(() => {
    apt(['update']);
    apt(['install', '--yes', '--no-install-recommends', ...packages.split(' ')]);
  });
  const still = missing.flatMap((peer) => missingParts(peer));
  if (still.length > 0) fail(`Installed ${packages}, but ${still.join(', ')} is still missing.`);
}

function apt(args) {
  run(
    'apt-get',
    ['--quiet=2', '--option', 'Dpkg::Use-Pty=0', '--option', 'DPkg::Lock::Timeout=120', ...args],
    `apt-get ${args[0]} failed (see its output above). Check the network and /etc/apt/sources.list, then retry.`,
    { DEBIAN_FRONTEND: 'noninteractive' },
  );
}

/**
 * Prevents Debian from starting services on installation: the tests start Kamailio themselves, and without an init system
 * the start would fail the installation.
 */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = () => rmSync(policy, { force: true });
  process.on('exit', remove);
  install();
  remove();
}

function run(program, args, advice, env = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (signal) process.exit(130);
  if (error) fail(`${program}: ${error.message}\n${advice}`);
  if (status !== 0) fail(advice);
}

function say(text) {
  process.stderr.write(`prepare: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
