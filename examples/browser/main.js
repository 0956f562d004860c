/** Starts the device and shows its pushes. */

import { start } from './dist/device.js';

const status = document.querySelector('#status');
const pushes = document.querySelector('#pushes');

// Without this, a browser that runs out of space can delete the data. Pages over http from another machine do not have it.
await navigator.storage?.persist();

const server = new URLSearchParams(location.search).get('server');
const starting = start({
  // Overrides the core in device.json: ?server=sip:192.0.2.1:5066;transport=ws
  servers: server === null ? undefined : [server],
  onEvent(event) {
    if (event.event === 'registered') status.textContent = `${event.identity} is registered`;
    if (event.event === 'disconnected') status.textContent = 'not connected, reconnecting';
    if (event.event === 'push' && event.outcome === 'accepted') void show(event);
  },
  onLog: ({ level, message }) => console.debug(level, message),
});
starting.catch((error) => {
  status.textContent = String(error);
});

/** Shows a push as its application describes it, as text only. Pushes of the last run arrive before the start completes. */
async function show({ id, app, mode, from, contentType, size }) {
  const device = await starting;
  const { title, text = '' } = (await device.describe(id)) ?? { title: app };
  const about = `${app}: ${size} bytes of ${contentType} in ${mode} mode, from ${from}`;
  const item = document.createElement('li');
  item.append(element('h2', title), element('p', text), element('p', about));
  pushes.prepend(item);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
