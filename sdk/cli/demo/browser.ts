/** Runs in the browser, by itself: shows what the server tells as it happens, and asks for another push. */

import type { LadderStep, PageEvent, PushCard } from './events.js';

/** Cards and exchanges kept on the page. */
const MOST = 50;
const TITLES: Readonly<Record<string, string>> = {
  REGISTER: 'The device registers its push applications',
  MESSAGE: 'A push in a MESSAGE',
  INVITE: 'A push in session mode',
  OPTIONS: 'Which capabilities are there?',
};

const button = find('push', HTMLButtonElement);
const status = find('status', HTMLElement);
const received = find('received', HTMLElement);
const exchanges = find('exchanges', HTMLElement);
const ladders = new Map<string, HTMLElement>();

const events = new EventSource('/events');
events.onopen = () => {
  // What happened before comes again.
  ladders.clear();
  received.replaceChildren();
  exchanges.replaceChildren();
  status.textContent = '';
};
events.onmessage = ({ data }: MessageEvent<string>) => {
  const event: PageEvent = JSON.parse(data);
  if (event.kind === 'push') keep(received, cardOf(event));
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

/** What went wrong; nothing where all is well. */
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
    list.append(element('dt', '', name), element('dd', '', value));
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

/** The list that messages of this exchange go to: a new one at the top when it is the first. */
function ladderOf({ exchange, label }: LadderStep): HTMLElement {
  const known = ladders.get(exchange);
  if (known) return known;
  const ladder = element('ol', 'ladder');
  ladders.set(exchange, ladder);
  const lanes = ['Push Sender Agent', 'SIP/IP core', 'Device'].map((name) => element('span', '', name));
  const title = element('h3', '', TITLES[label] ?? label);
  const removed = keep(
    exchanges,
    element('section', 'exchange', title, element('div', 'lanes', ...lanes), ladder),
  );
  for (const [id, each] of ladders) if (removed?.contains(each)) ladders.delete(id);
  return ladder;
}

function stepOf(step: LadderStep): HTMLElement {
  const { agent, sent, label, note, response, failed, transport, bytes, text } = step;
  // The sender stands on the left of the core, the device on its right.
  const direction = sent === (agent === 'sender') ? 'right' : 'left';
  const looks = [agent, direction, response ? 'response' : 'request', failed ? 'failed' : ''].join(' ');
  const arrow = element('span', 'arrow', element('b', '', label), element('i', '', note));
  arrow.title = `${bytes} bytes over ${transport}`;
  return element(
    'li',
    looks.trim(),
    element('details', '', element('summary', '', arrow), element('pre', '', text)),
  );
}

/** Puts it on top; gives what went off the page for it. */
function keep(list: HTMLElement, item: HTMLElement): Element | undefined {
  list.prepend(item);
  const last = list.children.length > MOST ? list.lastElementChild : null;
  last?.remove();
  return last ?? undefined;
}

function element(name: string, looks: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  if (looks) made.className = looks;
  made.append(...children);
  return made;
}

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}
