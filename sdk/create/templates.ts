/** The README of a new push application. */

import { type Project, packageName, sampleType } from './project.js';

export function readmeOf(project: Project): string {
  const { id, types, language } = project;
  const name = packageName(id);
  const source = `src/index.${language}`;
  return `# ${name}

\`${id}\`, a push application for [sip-push](https://www.npmjs.com/package/sip-push). It takes ${types.map((type) => `\`${type}\``).join(', ')}.

\`\`\`sh
npm install        # brings sip-push, its one peer
npm test           # ${language === 'ts' ? 'compiles it, and ' : ''}tries it on a device in memory
npm run check      # holds it against the contract, and says what to change
npm run dev        # a network and a device with it: push to it, change it, push again
\`\`\`

| file | what it is |
| --- | --- |
| \`${source}\` | the application: start here |
| \`test/index.test.js\` | its tests, on \`sip-push/testing\` |
| \`samples/\` | content to push with \`npm run dev\` and \`npm run check\` |
| \`package.json\` | \`sipPush\` is its manifest: hosts read it before they run anything of it |

A host has it by the name of the package, once it is installed there: \`"apps": ["${name}"]\`; or by its path. A sender reaches it:

\`\`\`sh
npx sip-push send --config psa.json --to sip:bob@domain.test --app ${id} --type ${sampleType(project)} samples/hello.txt
\`\`\`
`;
}

/** The module of a new push application: an example of both modes, to be changed. */

export function sourceOf({ id, types }: Project): string {
  return `/** ${id}: what it is pushed, it counts, keeps word of, and tells the user. */

import { definePushApp, PushRefused } from 'sip-push/sdk';

export default definePushApp({
  id: ${quoted(id)}, // event-app-id: what senders address
  accepts: [${types.map(quoted).join(', ')}], // senders of anything else are answered 415
  needs: ['storage', 'log', 'emit'], // services: they come typed in start's argument
  delivery: 'durable', // on disk before it is confirmed, given again until it is taken
  limits: { size: 10_000_000 }, // bytes; senders of more are answered 413
  start({ storage, log, emit }) {
    return {
      // Session mode, ahead of delivery: throw PushRefused here to refuse a file before it comes.
      consider(offer) {
        log.debug(\`\${offer.from} offers \${offer.fileName ?? 'a file'} of \${offer.size ?? 'unknown'} bytes\`);
      },

      // Both modes. Pager mode: all of the content is here. Session mode: it is still coming, and is read as it comes.
      async receive(push, { commit }) {
        let size = 0;
        for await (const chunk of push.content.open()) size += chunk.length;
        if (size === 0) throw new PushRefused('declined', 'it is empty');
        emit('received', { from: push.from, mode: push.mode, contentType: push.content.type.type, size });
        // The end of the push and what is kept of it, in one write: it is seen once, whatever dies.
        await commit([{ type: 'put', key: 'last', value: { from: push.from, mode: push.mode, size } }]);
      },

      // What a person would like to read of a push.
      describe: (push) => ({ title: 'Something new', text: \`from \${push.from}\` }),

      // What the host may ask about its state.
      query(name) {
        if (name === 'last') return storage.get('last');
        throw new Error(\`no query "\${name}"; expected "last"\`);
      },
    };
  },
});
`;
}

export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** The tests of a new push application, for the test runner of Node.js. */

export function testOf(project: Project): string {
  const { id, language } = project;
  const module = language === 'ts' ? '../dist/index.js' : '../src/index.js';
  return `/** ${id} on a device in memory: no network, no waiting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import app from '${module}';

const APP = ${quoted(id)};
const TYPE = ${quoted(sampleType(project))};

test('takes a push in a MESSAGE, and tells the user', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: 'hello' });
  assert.deepEqual({ outcome, status }, { outcome: 'delivered', status: 200 });
  const [told] = host.emitted(APP, 'received');
  assert.equal(told?.size, 5);
  assert.equal(told?.mode, 'pager');
});

test('takes a file in a session, of any size', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const body = new Uint8Array(1_000_000).fill(1);
  const { outcome } = await host.push({ app: APP, type: TYPE, body, mode: 'session', fileName: 'a.bin' });
  assert.equal(outcome, 'delivered');
  assert.equal(host.emitted(APP, 'received')[0]?.size, body.length);
});

test('refuses what is empty, and says why', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  const { outcome, status } = await host.push({ app: APP, type: TYPE, body: '' });
  assert.deepEqual({ outcome, status }, { outcome: 'refused', status: 603 });
});

test('keeps what it was told over a restart', async (t) => {
  const host = await startTestHost({ apps: [app] });
  t.after(() => host.stop());
  await host.push({ app: APP, type: TYPE, body: 'hello' });
  await host.restart();
  assert.deepEqual(await host.query(APP, 'last'), { from: 'sip:sender@domain.test', mode: 'pager', size: 5 });
});
`;
}
