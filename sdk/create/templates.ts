/** Templates for the README, the source and the tests of a new push application. */

import { type Project, packageName, sampleType } from './project.js';

export function readmeOf(project: Project): string {
  const { id, types, language } = project;
  const name = packageName(id);
  const source = `src/index.${language}`;
  return `# ${name}

\`${id}\`, a push application for sip-push. It accepts ${types.map((type) => `\`${type}\``).join(', ')}.

\`\`\`sh
npm install PATH   # of the tarball of sip-push, unless a folder above has it
npm test           # ${language === 'ts' ? 'compiles the application and ' : ''}runs the tests on a device in memory
npm run check      # checks the application against the contract
npm run dev        # runs a network and a device with the application; reloads it when you save a file
\`\`\`

| file | content |
| --- | --- |
| \`${source}\` | the application: start here |
| \`test/index.test.js\` | its tests, with \`sip-push/testing\` |
| \`samples/\` | content for \`npm run dev\` and \`npm run check\` |
| \`package.json\` | \`sipPush\` is the manifest, which a host reads before it loads any code |

To use the application, install the package beside a host and add its name or path to the host's configuration:
\`"apps": ["${name}"]\`. Then send a push:

\`\`\`sh
npx sip-push send --config psa.json --to sip:bob@domain.test --app ${id} --type ${sampleType(project)} samples/hello.txt
\`\`\`
`;
}

export function sourceOf({ id, types }: Project): string {
  return `/** ${id}: measures each push, stores the result and emits an event. */

import { definePushApp, refuse } from 'sip-push/sdk';

export default definePushApp({
  id: ${quoted(id)}, // the event-app-id that senders address
  accepts: [${types.map(quoted).join(', ')}], // other media types are refused with 415
  maxSize: 10_000_000, // bytes; larger content is refused with 413
  needs: ['storage', 'log'], // services that start() receives, with their types
  events: { received: true }, // by kind, each with the schema of its fields or true
  queries: { last: true }, // by name, each with the schema of its arguments or true
  start({ storage, log }) {
    return {
      // Session mode, before the transfer: throw refuse(…) to refuse a file.
      consider(offer) {
        log.debug(\`\${offer.from} offers \${offer.fileName ?? 'a file'} of \${offer.size ?? 'unknown'} bytes\`);
      },

      // All modes, one push after another. A push is on disk before it is confirmed.
      async receive(push) {
        let size = 0;
        for await (const chunk of push.content.open()) size += chunk.length;
        if (size === 0) throw refuse('declined', 'the content is empty');
        const { from, mode, content } = push;
        // Ends the push, stores the result and emits the event in one write: the push takes effect exactly once.
        await push.commit((tx) => {
          tx.put('last', { from, mode, size });
          tx.emit('received', { from, mode, contentType: content.type.type, size });
        });
      },

      // Describes a push for users.
      describe: (push) => ({ title: 'Something new', text: \`from \${push.from}\` }),

      // Answers queries about the application's state.
      queries: { last: () => storage.get('last') },
    };
  },
});
`;
}

export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

export function testOf(project: Project): string {
  const { id, language } = project;
  const module = language === 'ts' ? '../dist/index.js' : '../src/index.js';
  return `/** Tests ${id} on a device in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import app from '${module}';

const APP = ${quoted(id)};
const TYPE = ${quoted(sampleType(project))};

test('accepts a push in a MESSAGE and emits an event', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: 'hello' });
  assert.deepEqual({ outcome, status }, { outcome: 'delivered', status: 200 });
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
  assert.deepEqual(await host.query(APP, 'last'), { from: 'sip:sender@domain.test', mode: 'pager', size: 5 });
});
`;
}
