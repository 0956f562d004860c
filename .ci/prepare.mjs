/**
 * Makes a clone ready to run: npm packages, with --peers the real programs that the tests talk to, with --build
 * the built package. Does nothing that is done already. Everything it says goes to stderr: the standard output of
 * `npm start` belongs to the command.
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
  fail(`Node.js ${OLDEST_NODE} or later is needed; this is ${process.versions.node}.`);
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
  // Within `npm start`, npm says where it is itself; on its own the one in PATH is taken.
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
      // With its defaults npm takes six minutes to say that there is no network.
      '--fetch-retries=1',
      '--fetch-retry-mintimeout=500',
      '--fetch-retry-maxtimeout=500',
    ],
    'The npm packages could not be installed (above is what npm said). They come from the npm registry: ' +
      'check the network and `npm config get registry`, then run this again.',
  );
}

/** Why the packages need installing, or undefined. npm leaves beside them a list of what it put there. */
function packagesOutdated() {
  if (!existsSync('node_modules')) return 'no node_modules';
  if (!existsSync('node_modules/.package-lock.json')) return 'node_modules is not complete';
  const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const found = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
  const differs = Object.entries(wanted).find(
    ([path, { version, integrity, optional }]) =>
      path !== '' &&
      // Optional packages are those of other machines.
      (found[path] === undefined
        ? !optional
        : found[path].version !== version || found[path].integrity !== integrity),
  );
  return differs && `${differs[0]} is not what package-lock.json says`;
}

function installPeers() {
  const missing = Object.keys(PEERS).filter((peer) => missingParts(peer).length > 0);
  if (missing.length === 0) return;
  const packages = missing.flatMap((peer) => PEERS[peer].packages).join(' ');
  const what = `Missing: ${missing.map((peer) => `${peer} (${missingParts(peer).join(', ')})`).join('; ')}.`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    const how = `sudo apt-get install --no-install-recommends ${packages}`;
    if (process.env.CI === 'true') fail(`${what} Under CI=true they are needed: ${how}`);
    say(`${what} Their suites will be skipped. On Debian: ${how}`);
    return;
  }
  say(`${what} Installing Debian's ${packages}`);
  withoutServices(() => {
    apt(['update']);
    apt(['install', '--yes', '--no-install-recommends', ...packages.split(' ')]);
  });
  const still = missing.flatMap((peer) => missingParts(peer));
  if (still.length > 0) fail(`Installed ${packages}, but there is still no ${still.join(', ')}.`);
}

function apt(args) {
  run(
    'apt-get',
    ['--quiet=2', '--option', 'Dpkg::Use-Pty=0', '--option', 'DPkg::Lock::Timeout=120', ...args],
    `apt-get ${args[0]} failed (above is what it said). Check the network and /etc/apt/sources.list, then run this again.`,
    { DEBIAN_FRONTEND: 'noninteractive' },
  );
}

/**
 * Debian starts a service when it installs it. The tests start a Kamailio of their own, and where no init runs the
 * start would fail the whole installation.
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

function run(program, args, complaint, env = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (signal) process.exit(130);
  if (error) fail(`${program}: ${error.message}\n${complaint}`);
  if (status !== 0) fail(complaint);
}

function say(text) {
  process.stderr.write(`prepare: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
