/** Starts the device, and shows what comes. */

import { start } from './dist/device.js';

const status = document.querySelector('#status');
const pushes = document.querySelector('#pushes');

// Otherwise a browser that needs room may clear what this page keeps. Pages that came by http from elsewhere lack it.
await navigator.storage?.persist();

const server = new URLSearchParams(location.search).get('server');
const starting = start({
  // Another core than that of device.json: ?server=sip:192.0.2.1:5066;transport=ws
  ...(server === null ? {} : { servers: [server] }),
  onEvent(event) {
    if (event.event === 'registered') status.textContent = `${event.identity} is registered`;
    if (event.event === 'disconnected') status.textContent = 'not connected; trying again';
    if (event.event === 'push' && event.outcome === 'accepted') void show(event);
  },
  onLog: ({ level, message }) => console.debug(level, message),
});
starting.catch((error) => {
  status.textContent = String(error);
});

/** As its application describes it; text only, since others write it. What was left from the last time comes while it starts. */
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
