/** The plugins and the examples use the contract: each feature, and nothing of their own in its place. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as sdk from '../../sdk/index.js';
import { filesUnder, ROOT } from './files.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const isSource = (path: string) => /\.(ts|js)$/.test(path) && !/(node_modules|dist|\.d\.ts$)/.test(path);
const plugins = filesUnder('plugins').filter(isSource);
const examples = filesUnder('examples').filter(isSource);
const guides = filesUnder('sdk/docs/guides').filter((path) => path.endsWith('.md'));

/** Interfaces of the contract, by the module that declares them. */
const INTERFACES = {
  'push-app': ['PushAppDefinition', 'PushAppInstance'],
  push: ['PushOffer', 'Push', 'ReceivedPush', 'PushDescription', 'NegotiatedSender'],
  services: [
    ...[
      'Services',
      'AppStorage',
      'StorageRange',
      'AppFiles',
      'AppFile',
      'AppLog',
      'AppClock',
      'AppFetchOptions',
    ],
    ...['AppFetchResponse', 'Alarm', 'DueAlarm', 'AppSchedule'],
  ],
  transaction: ['Transaction'],
} as const;

const members = Object.entries(INTERFACES).flatMap(([module, names]) => {
  const source = read(`core/app/contract/${module}.ts`);
  return names.flatMap((name) => {
    const [, body = ''] =
      new RegExp(`export interface ${name}\\b(?:<[^{]*>)?[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(source) ?? [];
    return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm), ([, member = '']) => [
      name,
      member,
    ]);
  });
});

it('finds the members of each interface', () => {
  const found = new Set(members.map(([name]) => name));
  expect([...found]).toEqual(Object.values(INTERFACES).flat());
  expect(members).toContainEqual(['PushAppDefinition', 'maxSize']);
  expect(members).toContainEqual(['Transaction', 'afterCommit']);
});

it.each(members)('%s.%s is used by a plugin, an example or a guide', (_, member) => {
  const word = new RegExp(`\\b${member}\\b`);
  expect([...plugins, ...examples, ...guides].some((path) => word.test(read(path)))).toBe(true);
});

it.each([...plugins, ...examples])(
  '%s has no option parsing, queue or event before a commit of its own',
  (path) => {
    const source = read(path);
    expect(source).not.toMatch(/\boptions\??: unknown\b/);
    expect(source).not.toMatch(/\b\w*(queue|mutex|semaphore)\w*\b/i);
    // An event that must not be lost is in the transaction.
    expect(source).not.toMatch(/(?<!tx\.)\bemit\(/);
  },
);

it('sip-push/sdk exports the contract, its errors and one helper', () => {
  expect(Object.keys(sdk).sort()).toEqual([
    ...['CONTRACT_VERSION', 'ConfigurationError', 'FetchError', 'LimitError', 'MalformedError', 'QuotaError'],
    ...['definePushApp', 'refuse', 'retryDelay'],
  ]);
});
