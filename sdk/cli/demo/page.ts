/** The demo's web page: the message ladder as it grows, what the device received, and a button to push again. */

export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>sip-push demo</title>
<style>
  :root { color-scheme: light dark; --line: #8888; --accent: #0a7d5a; --bad: #b3261e }
  body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem }
  h1 { font-size: 1.3rem; margin: .2rem 0 } h2 { font-size: 1rem; margin: 1.4rem 0 .4rem }
  button { font: inherit; padding: .45rem 1rem; border-radius: .4rem; border: 0; background: var(--accent); color: #fff; cursor: pointer }
  button:disabled { opacity: .5 }
  .ladder { display: grid; grid-template-columns: repeat(3, 1fr); font: 12.5px/1.3 ui-monospace, monospace; text-align: center }
  .ladder > header { font-weight: 700; padding: .3rem; border-bottom: 2px solid var(--line); position: sticky; top: 0; background: Canvas }
  .step { grid-column: 1 / -1; display: grid; grid-template-columns: repeat(3, 1fr); border-bottom: 1px dotted var(--line) }
  .arrow { padding: .15rem 0; border-bottom: 2px solid var(--accent); position: relative; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; margin: 0 16.6% }
  .arrow.response { border-bottom-style: dashed } .arrow.bad { border-color: var(--bad); color: var(--bad) }
  .arrow::after { position: absolute; bottom: -.62rem; font-size: .8rem }
  .right::after { content: '▶'; right: -.1rem } .left::after { content: '◀'; left: -.1rem }
  .a { grid-column: 1 / 3 } .b { grid-column: 2 / 4 }
  .a > .arrow, .b > .arrow { margin: 0 25% .35rem }
  ul { list-style: none; padding: 0 } li { padding: .45rem .7rem; border-left: 3px solid var(--accent); margin: .4rem 0; background: #8881 }
  li.refused, li.failed { border-color: var(--bad) }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .3rem 0 0; font-size: .9em } dt { opacity: .7 } dd { margin: 0; overflow-wrap: anywhere }
</style>
<h1>Push using SIP, live</h1>
<p>A Push Sender Agent, a SIP/IP core and a device in one process, over loopback sockets.
  <button id="push">Push an MMS notification</button></p>
<h2>What the device received</h2>
<ul id="received"></ul>
<h2>The messages</h2>
<div class="ladder" id="ladder"><header>Push Sender Agent</header><header>SIP/IP core</header><header>Device (PRA)</header></div>
<script type="module">
const MOST = 200;
const received = document.querySelector('#received'), ladder = document.querySelector('#ladder'), button = document.querySelector('#push');
const show = {
  wire({ from, to, text, response, bad }) {
    const lanes = ['psa', 'core', 'device'], a = lanes.indexOf(from), b = lanes.indexOf(to);
    if (a < 0 || b < 0 || a === b) return;
    const step = document.createElement('div'), lane = document.createElement('div'), arrow = document.createElement('div');
    step.className = 'step';
    lane.className = Math.min(a, b) === 0 ? 'a' : 'b';
    arrow.className = 'arrow ' + (a < b ? 'right' : 'left') + (response ? ' response' : '') + (bad ? ' bad' : '');
    arrow.textContent = arrow.title = text;
    lane.append(arrow); step.append(lane); ladder.append(step);
    if (ladder.children.length > MOST) ladder.children[3].remove();
  },
  push({ title, text, fields, outcome }) {
    const item = document.createElement('li'), list = document.createElement('dl');
    item.className = outcome;
    const name = document.createElement('strong');
    name.textContent = title;
    item.append(name, text ? ' ' + text : '', list);
    for (const [key, value] of Object.entries(fields ?? {})) {
      const term = document.createElement('dt'), data = document.createElement('dd');
      term.textContent = key; data.textContent = value; list.append(term, data);
    }
    received.prepend(item);
    if (received.children.length > MOST) received.lastChild.remove();
  },
};
const events = new EventSource('/events');
events.onmessage = ({ data }) => { const event = JSON.parse(data); show[event.kind]?.(event); };
button.onclick = async () => {
  button.disabled = true;
  try { await fetch('/push', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }); }
  finally { button.disabled = false; }
};
</script>
</html>
`;
