/** Sources of two third-party packages: weather.ua uses a service that places.ua provides. */

/** Files of an application by their paths, over those that `sip-push create` writes. */
export type Sources = Readonly<Record<string, string>>;

export const PLACES: Sources = {
  'src/index.ts': `
import { definePushApp, refuse } from 'sip-push/sdk';

export interface PlaceNames {
  /** The name of a place; its code if it has none. */
  nameOf(code: string): Promise<string>;
}

declare module 'sip-push/sdk' {
  interface AppServices {
    'places.names': PlaceNames;
  }
}

export default definePushApp({
  id: 'places.ua',
  accepts: ['text/plain'],
  maxSize: 1000,
  needs: ['storage'],
  provides: ['places.names'],
  start: ({ storage }) => ({
    async receive(push) {
      const [code = '', name] = (await push.text()).trim().split('=');
      if (!name) throw refuse('declined', 'expected CODE=NAME');
      await push.commit((tx) => tx.put(code, name));
    },
    describe: async (push) => ({ title: 'A place', text: await push.text() }),
    services: {
      'places.names': { nameOf: async (code) => String((await storage.get(code)) ?? code) },
    },
  }),
});
`,
  'src/index.test.ts': `
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import app from './index.js';

test('keeps a name', async () => {
  await using host = await startTestHost({ apps: [app] });
  const { status } = await host.push({ app: 'places.ua', type: 'text/plain', body: 'GNE=Ghent' });
  assert.equal(status, 200);
  assert.deepEqual(await host.storage('places.ua'), { GNE: 'Ghent' });
});
`,
  'samples/hello.txt': 'GNE=Ghent\n',
};

export const WEATHER: Sources = {
  'src/index.ts': `
import { definePushApp, refuse } from 'sip-push/sdk';
import type {} from 'sip-push-app-places';

export default definePushApp({
  id: 'weather.ua',
  accepts: ['text/plain'],
  maxSize: 1000,
  needs: ['places.names'],
  events: { forecast: true },
  start: ({ 'places.names': places }) => ({
    async receive(push) {
      const [code = '', forecast] = (await push.text()).trim().split(': ');
      if (!forecast) throw refuse('declined', 'expected CODE: FORECAST');
      const place = await places.nameOf(code);
      await push.commit((tx) => tx.emit('forecast', { place, forecast }));
    },
    describe: async (push) => ({ title: 'Weather', text: await push.text() }),
  }),
});
`,
  'src/index.test.ts': `
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost } from 'sip-push/testing';
import places from 'sip-push-app-places';
import app from './index.js';

test('names the place of a forecast', async () => {
  await using host = await startTestHost({ apps: [app, places] });
  await host.push({ app: 'places.ua', type: 'text/plain', body: 'GNE=Ghent' });
  const { status } = await host.push({ app: 'weather.ua', type: 'text/plain', body: 'GNE: sunny' });
  assert.equal(status, 200);
  assert.equal(host.emitted('weather.ua', 'forecast')[0]?.place, 'Ghent');
});
`,
  'samples/hello.txt': 'GNE: sunny\n',
};

/** WEATHER with a call that the type of the service does not allow. */
export const WRONG_CALL: Sources = {
  'src/index.ts': WEATHER['src/index.ts']?.replace('nameOf(code)', 'nameOf(5)') ?? '',
};
