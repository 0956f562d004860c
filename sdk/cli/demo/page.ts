/** The demo's web page. `browser.ts` is its script. */

const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #14171c); --card: light-dark(#fff, #1d2128); --ink: light-dark(#1b1f24, #e7eaee);
  --soft: light-dark(#5d6673, #9aa4b2); --line: light-dark(#d9dee5, #343b46);
  --request: light-dark(#1f5fd0, #7fb0ff); --response: light-dark(#0a7d5a, #4ecb9d); --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header.top { background: var(--card); border-bottom: 1px solid var(--line); padding: 1rem clamp(1rem, 4vw, 2.5rem) }
.top h1 { font-size: 1.25rem; margin: 0 }
.top p { margin: .2rem 0 .8rem; color: var(--soft); max-width: 46rem }
button { font: inherit; font-weight: 600; padding: .45rem 1.1rem; border: 0; border-radius: .5rem; background: var(--request);
  color: var(--card); cursor: pointer }
button:hover { filter: brightness(1.1) } button:disabled { opacity: .5; cursor: default }
:focus-visible { outline: 3px solid var(--request); outline-offset: 2px }
#status { color: var(--soft); margin-left: .8rem }
main { display: grid; gap: 1.5rem; padding: 1.25rem clamp(1rem, 4vw, 2.5rem); align-items: start;
  grid-template-columns: minmax(0, 1fr) }
@media (min-width: 62rem) { main { grid-template-columns: minmax(17rem, 2fr) minmax(0, 5fr) } }
h2 { font-size: 1rem; margin: 0 0 .6rem }
.none { color: var(--soft) }
.push, .exchange { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; margin: 0 0 1rem }
.push { padding: .8rem 1rem }
.push h3 { font-size: 1.02rem; line-height: 1.35; margin: .35rem 0 .1rem; overflow-wrap: anywhere }
.push p { margin: 0; overflow-wrap: anywhere }
.push .tags { display: flex; gap: .5rem; align-items: center; font-size: .82rem; color: var(--soft) }
.outcome { font-weight: 600; color: var(--response) } .outcome.bad { color: var(--bad) }
.app { font-family: ui-monospace, monospace }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem .9rem; margin: .5rem 0 0; font-size: .9rem }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.push footer { margin-top: .5rem; font-size: .8rem; color: var(--soft); overflow-wrap: anywhere }
.exchange { overflow: hidden }
.exchange h3 { font-size: .9rem; margin: 0; padding: .55rem 1rem; border-bottom: 1px solid var(--line) }
.lanes { display: grid; grid-template-columns: repeat(3, 1fr); text-align: center; font-size: .82rem; font-weight: 600;
  color: var(--soft); padding: .45rem 0 }
.ladder { list-style: none; margin: 0; padding: 0 0 .6rem;
  background: linear-gradient(var(--line), var(--line)) calc(100% / 6) 0 / 1px 100% no-repeat,
    linear-gradient(var(--line), var(--line)) 50% 0 / 1px 100% no-repeat,
    linear-gradient(var(--line), var(--line)) calc(500% / 6) 0 / 1px 100% no-repeat }
.ladder summary { display: grid; grid-template-columns: repeat(6, 1fr); list-style: none; cursor: pointer; padding: .15rem 0 .3rem }
.ladder summary::-webkit-details-marker { display: none }
.ladder summary:hover { background: color-mix(in srgb, var(--request) 9%, transparent) }
.arrow { position: relative; text-align: center; padding: 0 .6rem .25rem; border-bottom: 2px solid var(--request);
  color: var(--request); font-size: .88rem; line-height: 1.3 }
.arrow b { font-family: ui-monospace, monospace } .arrow i { display: block; font-style: normal; font-size: .78rem; color: var(--soft) }
.sender .arrow { grid-column: 2 / 4 } .device .arrow { grid-column: 4 / 6 }
.response .arrow { border-bottom-style: dashed; border-color: var(--response); color: var(--response) }
.failed .arrow { border-color: var(--bad); color: var(--bad) }
.arrow::after { content: ''; position: absolute; bottom: -6px; border: 5px solid transparent }
.right .arrow::after { right: -1px; border-left: 8px solid; border-right: 0 }
.left .arrow::after { left: -1px; border-right: 8px solid; border-left: 0 }
@media (max-width: 40rem) { .arrow { padding-inline: 0; font-size: .74rem; overflow-wrap: anywhere } }
pre { margin: .2rem 1rem .8rem; padding: .7rem .9rem; border-radius: .5rem; border: 1px solid var(--line); background: var(--ground);
  font: 12.5px/1.45 ui-monospace, monospace; overflow-x: auto }
`;

export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>sip-push demo</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 6h9V2l5 6-5 6v-4H1z' fill='%231f5fd0'/%3E%3C/svg%3E">
<style>${STYLE}</style>
<header class="top">
  <h1>Push using SIP, live</h1>
  <p>A Push Sender Agent pushes content through a SIP/IP core to the push applications of a device. All of them run in one
    process, over real sockets.</p>
  <button id="push" type="button">Push again</button><span id="status" role="status">connecting…</span>
</header>
<main>
  <section aria-labelledby="received-title">
    <h2 id="received-title">Received pushes</h2>
    <div id="received"><p class="none">Nothing yet.</p></div>
  </section>
  <section aria-labelledby="messages-title">
    <h2 id="messages-title">Messages, latest exchange first; open one to read it</h2>
    <div id="exchanges"><p class="none">Nothing yet.</p></div>
  </section>
</main>
<script type="module" src="/browser.js"></script>
</html>
`;
