/** The module of a new push application: an example of both modes, to be changed. */

import type { Project } from './project.js';

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
