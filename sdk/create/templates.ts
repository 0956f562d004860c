/** Templates for the README, the source and the tests of a new push application. */

import { type Project, packageName } from './project.js';
import { samplesOf } from './samples.js';

export function readmeOf(project: Project): string {
  const { id, types, language } = project;
  const name = packageName(id);
  const source = `src/index.${language}`;
  const [sample] = samplesOf(project);
  return `# ${name}

\`${id}\`, a push application for sip-push. It accepts ${types.map((type) => `\`${type}\``).join(', ')}.

\`\`\`sh
npm install        # if it does not find sip-push: npm install --save-dev PATH-OF-ITS-TARBALL
npm test           # ${language === 'ts' ? 'checks the types, compiles, and ' : ''}runs the tests on a device in memory
npm run build      # ${language === 'ts' ? 'compiles, and ' : ''}writes the manifest from the definition
npm run check      # checks the application against the contract
npm run dev        # runs a network and a device with the application; reloads it when you save a file
\`\`\`

| file | content |
| --- | --- |
| \`${source}\` | the application: start here |
| \`src/index.test.${language}\` | its tests, with \`sip-push/testing\` |
| \`samples/\` | content for \`npm run dev\` and \`npm run check\` |
| \`package.json\` | \`sipPush\` is the manifest, which a host reads before it loads any code; \`npm run build\` updates it |

To use the application, install the package beside a host and add its name or path to the host's configuration:
\`"apps": ["${name}"]\`. Then send a push:

\`\`\`sh
npx sip-push send --config psa.json --to sip:bob@domain.test --app ${id} --type ${sample.type} ${sample.path}
\`\`\`
`;
}

export function sourceOf({ id, types }: Project): string {
  return `/** ${id}: keeps the last push, and emits an event for each. */

import { definePushApp, refuse } from 'sip-push/sdk';

export default definePushApp({
  id: ${quoted(id)}, // the event-app-id that senders address
  accepts: [${types.map(quoted).join(', ')}], // other media types are refused with 415
  maxSize: 10_000_000, // bytes; larger content is refused with 413
  needs: ['storage', 'log'], // services that start() receives
  events: { received: true }, // true, or a schema of the fields (zod, Valibot, ArkType)
  queries: { last: true }, // the same, for the arguments

  start: ({ storage, log }) => ({
    async receive(push) {
      const { length: size } = await push.bytes();
      if (size === 0) throw refuse('declined', 'the content is empty');
      const received = { from: push.from, mode: push.mode, contentType: push.content.type.type, size };
      // Ends the push and writes everything in one step: the push takes effect exactly once.
      await push.commit((tx) => {
        tx.put('last', received);
        tx.emit('received', received);
      });
      log.info(\`\${size} bytes from \${push.from}\`);
    },
    describe: (push) => ({ title: 'Something new', text: \`from \${push.from}\` }),
    queries: { last: () => storage.get('last') },
  }),
});
`;
}

export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

export function testOf(project: Project): string {
  const { id } = project;
  const [{ type }] = samplesOf(project);
  return `/** Tests ${id} on a device in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import app from './index.js';

const APP = ${quoted(id)};
const TYPE = ${quoted(type)};

test('accepts a push in a MESSAGE and emits an event', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, error } = await host.push({ app: APP, type: TYPE, body: 'hello' });
  assert.deepEqual({ outcome, error }, { outcome: 'delivered', error: undefined });
  const [event] = host.emitted(APP, 'received');
  assert.equal(event?.size, 5);
  assert.equal(event?.mode, 'pager');
});

test('accepts a file in a session', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const body = new Uint8Array(1_000_000).fill(1);
  const { outcome } = await host.push({ app: APP, type: TYPE, body, mode: 'session', fileName: 'a.bin' });
  assert.equal(outcome, 'delivered');
  assert.equal(host.emitted(APP, 'received')[0]?.size, body.length);
});

test('refuses empty content', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: '' });
  assert.deepEqual({ outcome, status }, { outcome: 'refused', status: 603 });
});

test('keeps its state across a restart', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  await host.push({ app: APP, type: TYPE, body: 'hello' });
  await host.restart();
  assert.deepEqual(await host.query(APP, 'last'), {
    from: 'sip:sender@domain.test',
    mode: 'pager',
    contentType: TYPE,
    size: 5,
  });
});
`;
}
