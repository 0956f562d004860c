/** `sip-push check` as users run it, with applications that break each rule and applications that break none. */

import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Folder, type Line, linesOf } from '../cli/sip-push.js';
import { codeBlocks } from '../support/pages/code-blocks.js';
import { JOB_MS } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURES = join(ROOT, 'test/sdk/fixtures');

/** Checks a fixture in a folder with an installed `sip-push`, as a third party's application would be. */
async function checked(fixture: string) {
  await using folder = await Folder.make();
  await folder.write('node_modules/undeclared/package.json', {
    name: 'undeclared',
    type: 'module',
    exports: './index.js',
  });
  await folder.write('node_modules/undeclared/index.js', "export const title = 'a text';");
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  await cp(join(FIXTURES, fixture), join(folder.path, 'app'), { recursive: true });
  const result = await folder.runFor(JOB_MS, 'check', 'app', '--json');
  return { ...result, lines: linesOf(result) };
}

describe('each rule', () => {
  let findings: Line[] = [];
  let end: Awaited<ReturnType<typeof checked>> | undefined;

  beforeAll(async () => {
    end = await checked('bad');
    findings = end.lines.filter(({ event }) => event === 'finding');
  });

  // Each application is named after the rule that it breaks.
  it.each([
    ['definition', 'error', 'definition.js', /invalid accepts "text\/plain"/],
    ['manifest-agrees', 'error', /accepts/, /text\/html/],
    ['dependencies', 'error', /dependencies/, /imports undeclared/],
    ['needs', 'error', /needs/, /"weather\.forecast".*add --with PACKAGE/],
    ['starts', 'error', /starts\.js:\d+/, /no database/],
    ['starts-again', 'error', /starts-again\.js/, /already present/],
    ['stops', 'error', 'stops.js', /did not finish/],
    ['leaves-timers', 'error', /leaves-timers\.js:\d+/, /Timeout/],
    ['leaves-handles', 'error', /leaves-handles\.js:\d+/, /TCPSERVERWRAP/],
    ['leaves-promises', 'warning', /leaves-promises\.js:\d+/, /promise/],
    ['leaves-listeners', 'error', 'process', /beforeExit/],
    ['leaves-globals', 'warning', 'globalThis', /myCache/],
    ['samples', 'warning', /samples/, /unknown-type/],
    ['accepts-types', 'error', /accepts-types\.js:\d+/, /415/],
    ['describes', 'warning', 'describes.js', /no title/],
    ['receive-ends', 'error', 'receive-ends.js', /within 5 s/],
    ['size-limit', 'warning', 'size-limit.js', /any size/],
    ['refusals', 'error', /refusals\.js:\d+/, /TypeError/],
    ['broken-content', 'error', /broken-content\.js:\d+/, /SyntaxError/],
    ['slow-streams', 'error', /slow-streams\.js/, /too long/],
    ['stream-failures', 'error', 'stream-failures.js', /was interrupted/],
    ['provisional', 'error', 'provisional.js', /storage/],
    ['provisional-events', 'warning', 'provisional-events.js', /"coming"/],
    ['repeats', 'error', /repeats\.js:\d+/, /UNIQUE/],
    ['redelivery', 'error', /redelivery\.js:\d+/, /received before/],
    ['exactly-once', 'error', 'exactly-once.js', /count is 2, but 1/],
    ['cancellation', 'error', 'cancellation.js', /continued/],
    ['alarms', 'error', /alarms\.js:\d+/, /no such reminder/],
    ['events', 'error', /events\.js:\d+/, /unknown event "texts"/],
    ['order', 'error', 'order.js', /2 pushes at once .*count is 1, but 2/],
    ['unhandled', 'error', /unhandled\.js:\d+/, /unhandled rejection/],
    ['survives', 'error', /whole/, /event loop/],
    ['prints', 'warning', /whole/, /a push arrived/],
  ])('has one finding for an application that breaks %s', (rule, severity, where, what) => {
    expect(findings.filter(({ app }) => app === `${rule}.test`)).toEqual([
      {
        event: 'finding',
        app: `${rule}.test`,
        rule,
        severity,
        where: expect.stringMatching(where),
        what: expect.stringMatching(what),
        change: expect.any(String),
      },
    ]);
  });

  it('reports an application that ends its process', () => {
    expect(findings.filter(({ app }) => app === 'survives-exit.test')).toMatchObject([
      { rule: 'survives', what: expect.stringContaining('exit code 0') },
    ]);
  });

  it('lowers the score and exits with code 1', () => {
    expect(end).toMatchObject({ code: 1 });
    expect(end?.lines.at(-1)).toMatchObject({ event: 'score', score: 0 });
  });
});

describe('a manifest', () => {
  it.each([
    ['no-manifest', /has no "sipPush"/],
    ['wrong-manifest', /did you mean "accepts"/],
  ])('is the only finding if it is missing or invalid: %s', async (fixture, what) => {
    const { lines, code } = await checked(fixture);
    expect(lines).toMatchObject([
      { event: 'finding', rule: 'manifest', what: expect.stringMatching(what) },
      { event: 'score', score: 0 },
    ]);
    expect(code).toBe(1);
  });

  it('with a service of another application gets the full score if the provider is loaded', async () => {
    await using folder = await Folder.make();
    const app = (id: string, more: string, instance: string) =>
      `export default { id: '${id}', accepts: ['text/plain'], maxSize: 1000, ${more},
         start: (context) => ({ receive: async (push) => { await push.text(); }, describe: () => ({ title: 'a text' }), ${instance} }) };`;
    const write = async (name: string, id: string, module: string, more: object) => {
      const sipPush = { contract: '^1.0.0', apps: [{ id, accepts: ['text/plain'], ...more }] };
      await folder.write(`${name}/package.json`, { name, type: 'module', exports: './index.js', sipPush });
      await folder.write(`${name}/index.js`, module);
    };
    const services = "services: { 'weather.now': { now: async () => 'sun' } }";
    await write('provider', 'provider.ua', app('provider.ua', "provides: ['weather.now']", services), {
      provides: ['weather.now'],
    });
    const queries = "queries: { now: () => context['weather.now'].now() }";
    await write(
      'reader',
      'reader.ua',
      app('reader.ua', "needs: ['weather.now'], queries: { now: true }", queries),
      { needs: ['weather.now'], queries: ['now'] },
    );
    const alone = linesOf(await folder.runFor(JOB_MS, 'check', 'reader', '--json'));
    expect(alone).toMatchObject([
      { event: 'finding', rule: 'needs' },
      { event: 'score', score: 0 },
    ]);
    const both = linesOf(await folder.runFor(JOB_MS, 'check', 'reader', '--with', './provider', '--json'));
    expect(both).toMatchObject([{ event: 'score', score: 100, apps: ['reader.ua'] }]);
  });

  it('with other options than the definition has one finding, which names the difference', async () => {
    await using folder = await Folder.make();
    const schema = (type: string) => ({ type: 'object', properties: { keep: { type } } });
    const options = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }),
      jsonSchema: { input: () => (${JSON.stringify(schema('integer'))}) } } }`;
    await folder.write(
      'app/index.js',
      `export default { id: 'options.ua', accepts: ['text/plain'], maxSize: 1000, options: ${options},
         start: () => ({ receive: async (push) => { await push.text(); }, describe: () => ({ title: 'a text' }) }) };`,
    );
    const app = { id: 'options.ua', accepts: ['text/plain'], options: schema('number') };
    const sipPush = { contract: '^1.0.0', apps: [app] };
    await folder.write('app/package.json', {
      ...{ name: 'app', type: 'module', exports: './index.js', sipPush },
    });
    const { code, ...result } = await folder.runFor(JOB_MS, 'check', 'app', '--json');
    expect(linesOf(result)).toMatchObject([
      {
        ...{ rule: 'manifest-agrees', severity: 'error', app: 'options.ua' },
        what: expect.stringMatching(
          /^invalid options\.properties\.keep\.type "number" in package\.json: expected "integer", as in the definition$/,
        ),
        where: 'package.json: sipPush.apps[].options',
        change: expect.stringContaining('sip-push build'),
      },
      { event: 'score', score: 80 },
    ]);
    expect(code).toBe(1);
  });

  it('that build writes for the example of the README gets the full score', async () => {
    await using folder = await Folder.make();
    await mkdir(join(folder.path, 'node_modules'), { recursive: true });
    await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
    await symlink(join(ROOT, 'node_modules/zod'), join(folder.path, 'node_modules/zod'));
    const example = codeBlocks(await readFile(join(ROOT, 'README.md'), 'utf8')).find(
      ({ file }) => file === 'weather.mjs',
    );
    await folder.write('app/index.mjs', example?.text ?? '');
    await folder.write('app/hello.txt', 'sunny');
    await folder.write('app/package.json', {
      ...{ name: 'app', exports: './index.mjs', dependencies: { zod: '*' } },
      peerDependencies: { 'sip-push': '*' },
    });
    const built = await folder.runFor(JOB_MS, 'build', 'app');
    expect(built.code, built.stderr).toBe(0);
    const checked = await folder.runFor(JOB_MS, 'check', 'app', '--json');
    expect(linesOf(checked)).toMatchObject([{ event: 'score', score: 100, apps: ['weather.ua'] }]);
  });

  it('of a build that is older than its sources is checked with a warning', async () => {
    await using folder = await Folder.make();
    const source = `export default { id: 'built.ua', accepts: ['text/plain'], maxSize: 1000,
      start: () => ({ receive: async (push: any) => { await push.text(); }, describe: () => ({ title: 'a text' }) }) };`;
    await folder.write('app/src/index.ts', source);
    await folder.write('app/package.json', { name: 'app', type: 'module', exports: './dist/index.js' });
    expect(await folder.run('build', 'app')).toMatchObject({ code: 0 });
    const check = async () => linesOf(await folder.runFor(JOB_MS, 'check', 'app', '--json'));
    expect(await check()).toMatchObject([{ event: 'score', score: 100 }]);
    await folder.write('app/src/index.ts', source.replace('a text', 'new text'));
    expect(await check()).toMatchObject([
      {
        ...{ rule: 'stale-build', severity: 'warning', where: 'src/index.ts' },
        what: expect.stringMatching(
          /^src\/index\.ts changed after the build of \S+Z: that build was checked$/,
        ),
        change: expect.stringContaining('npm run build'),
      },
      { event: 'score', score: 95, apps: ['built.ua'] },
    ]);
  });

  it('gets the full score if it is valid and has options and samples', async () => {
    const { lines, code } = await checked('good');
    expect(lines).toMatchObject([{ event: 'score', score: 100, apps: ['good.test'] }]);
    expect(code).toBe(0);
  });
});

it('says what to change', async () => {
  await using folder = await Folder.make();
  const apps = ['throws', 'options', 'sample', 'hook', 'text'].map((name) => ({
    ...{ id: `${name}.ua`, module: `./${name}.js`, accepts: ['text/plain'] },
    samples: { 'text/plain': [name === 'sample' ? './gone.txt' : './here.txt'] },
  }));
  const sipPush = { contract: '^1.0.0', apps };
  await folder.write('app/package.json', { name: 'app', type: 'module', sipPush });
  await folder.write('app/here.txt', 'sunny');
  const app = (name: string, body: string, more = '', hooks = '') =>
    folder.write(
      `app/${name}.js`,
      `export default { id: '${name}.ua', accepts: ['text/plain'], maxSize: 1000, ${more}
         start: () => ({ receive: async (push) => { ${body} }, describe: () => ({ title: 'a text' }), ${hooks} }) };`,
    );
  const issue = "{ issues: [{ message: 'expected a city', path: ['city'] }] }";
  await app('throws', "throw new TypeError('a mistake');");
  await app(
    'options',
    '',
    `options: { '~standard': { version: 1, vendor: 'test', validate: () => (${issue}) } },`,
  );
  await app('sample', '');
  await app('hook', '', '', 'onAlarm() {}');
  await folder.write(
    'app/text.js',
    `export default { id: 'text.ua', accepts: ['text/plain'], start() { throw new Error('start() returned') } };`,
  );
  const lines = linesOf(await folder.runFor(JOB_MS, 'check', 'app', '--json'));
  const found = (name: string) => lines.filter((line) => line.app === `${name}.ua`);
  expect(found('throws')).toMatchObject([
    { rule: 'accepts-types', change: expect.stringMatching(/^fix the error that receive throws/) },
  ]);
  expect(found('options')).toMatchObject([
    { rule: 'starts', change: expect.stringMatching(/add examples to the schema of the options/) },
  ]);
  expect(found('sample')).toMatchObject([
    {
      rule: 'samples',
      severity: 'error',
      what: expect.stringMatching(/^the sample gone\.txt cannot be read: ENOENT/),
    },
  ]);
  expect(found('hook')).toMatchObject([
    { rule: 'starts', what: expect.stringMatching(/"onAlarm".*did you mean "alarm"\?$/) },
  ]);
  expect(found('hook')[0]?.change).toMatch(/^correct what start returns/);
  // The text of an error does not decide.
  expect(found('text')).toMatchObject([
    { rule: 'starts', change: expect.stringMatching(/^make start succeed/) },
  ]);
});

it('reports invalid usage in one line and exits with code 2', async () => {
  await using folder = await Folder.make();
  for (const words of [[], ['one', 'two'], ['--what'], ['nowhere']]) {
    const { code, stderr } = await folder.run('check', ...words);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
  }
});
