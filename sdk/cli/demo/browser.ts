/** The script of the demo's page: shows the events of the server, and requests pushes. */

import type { LadderStep, PageEvent, PushCard } from './events.js';

/** Largest number of cards, and of exchanges, on the page. */
const MAX_ITEMS = 50;
const TITLES: Readonly<Record<string, string>> = {
  REGISTER: 'The device registers its push applications',
  MESSAGE: 'A push in a MESSAGE',
  INVITE: 'A push in session mode',
  OPTIONS: 'A query of capabilities',
};

const button = find('push', HTMLButtonElement);
const status = find('status', HTMLElement);
const received = find('received', HTMLElement);
const exchanges = find('exchanges', HTMLElement);
const ladders = new Map<string, HTMLElement>();

const events = new EventSource('/events');
events.onopen = () => {
  // The server sends past events again.
  ladders.clear();
  received.replaceChildren();
  exchanges.replaceChildren();
  status.textContent = '';
};
events.onmessage = ({ data }: MessageEvent<string>) => {
  const event: PageEvent = JSON.parse(data);
  if (event.kind === 'push') addItem(received, cardOf(event));
  else ladderOf(event).append(stepOf(event));
};
events.onerror = () => {
  status.textContent = 'The demo has ended.';
};
button.onclick = async () => {
  button.disabled = true;
  status.textContent = 'pushing…';
  status.textContent = await push().catch(() => 'The demo has ended.');
  button.disabled = false;
};

/** @returns the error; empty if the pushes succeeded. */
async function push(): Promise<string> {
  const response = await fetch('/push', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return response.ok ? '' : await response.text();
}

function cardOf(card: PushCard): HTMLElement {
  const { app, outcome, status: code, title, text, fields = {}, size, contentType, mode, from } = card;
  const list = element('dl', '');
  for (const [name, value] of Object.entries(fields)) {
    list.append(element('dt', '', name), element('dd', '', value ?? ''));
  }
  return element(
    'article',
    'push',
    element(
      'div',
      'tags',
      element('span', `outcome${outcome === 'accepted' ? '' : ' bad'}`, `${outcome} (${code})`),
      element('span', 'app', app),
    ),
    element('h3', '', title),
    ...(text ? [element('p', '', text)] : []),
    list,
    element('footer', '', `${size} bytes of ${contentType}, ${mode} mode, from ${from}`),
  );
}

/** The list of the messages of this exchange. A new exchange is added at the top. */
function ladderOf({ exchange, label }: LadderStep): HTMLElement {
  const known = ladders.get(exchange);
  if (known) return known;
  const ladder = element('ol', 'ladder');
  ladders.set(exchange, ladder);
  const lanes = ['Push Sender Agent', 'SIP/IP core', 'Device'].map((name) => element('span', '', name));
  const title = element('h3', '', TITLES[label] ?? label);
  const removed = addItem(
    exchanges,
    element('section', 'exchange', title, element('div', 'lanes', ...lanes), ladder),
  );
  for (const [id, each] of ladders) if (removed?.contains(each)) ladders.delete(id);
  return ladder;
}

function stepOf(step: LadderStep): HTMLElement {
  const { agent, sent, label, note, response, failed, transport, bytes, text } = step;
  // The sender is on the left of the core, the device on the right.
  const direction = sent === (agent === 'sender') ? 'right' : 'left';
  const classes = [agent, direction, response ? 'response' : 'request', failed ? 'failed' : ''].join(' ');
  const arrow = element('span', 'arrow', element('b', '', label), element('i', '', note));
  arrow.title = `${bytes} bytes over ${transport}`;
  return element(
    'li',
    classes.trim(),
    element('details', '', element('summary', '', arrow), element('pre', '', text)),
  );
}

/** Adds an item at the top of a list. @returns the last item, if it was removed to limit the list. */
function addItem(list: HTMLElement, item: HTMLElement): Element | undefined {
  list.prepend(item);
  const last = list.children.length > MAX_ITEMS ? list.lastElementChild : null;
  last?.remove();
  return last ?? undefined;
}

function element(name: string, classes: string, ...children: (Node | string)[]): HTMLElement {
  const created = document.createElement(name);
  if (classes) created.className = classes;
  created.append(...children);
  return created;
}

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`no element "${id}" on the page`);
}
