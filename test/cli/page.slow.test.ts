/** The demo's page in a real browser. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/pages/chromium.js';
import { describePeer } from '../support/programs/peers.js';
import type { Running } from '../support/programs/running.js';
import { Folder, lineOf } from './sip-push.js';

const CARDS = `[...document.querySelectorAll('.push')]`;
const text = (selector: string) =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.innerText.replace(/\\s+/g, ' '))`;

describePeer('chromium', 'the page of the demo', () => {
  let folder: Folder;
  let demo: Running;
  let url: string;
  beforeAll(async () => {
    folder = await Folder.make();
    demo = await folder.startProcess('demo', '--json');
    url = String((await lineOf(demo, 'page')).url);
  });
  afterAll(async () => {
    await demo?.stop();
    await folder?.remove();
  });

  it('shows past pushes, and pushes again with its button', async () => {
    await using page = await Chromium.open(url);
    const before = await page.until<number>(`${CARDS}.length`);
    const [first = ''] = (await page.evaluate<string[]>(text('.push'))).filter(
      (card) => card.includes('mms.ua') && card.includes('pager mode'),
    );
    expect(first).toMatch(/^accepted \(200\) mms\.ua Multimedia message from \+15550100 /);
    expect(first).toMatch(
      /\d+ bytes of application\/vnd\.wap\.mms-message, pager mode, from sip:psa@domain\.test$/,
    );
    expect(await page.evaluate(text('.exchange h3'))).toContain('The device registers its push applications');

    await page.evaluate(`document.querySelector('#push').click()`);
    await page.until(`${CARDS}.length === ${2 * before}`);
    await page.until(`!document.querySelector('#push').disabled`);
    expect(await page.evaluate(text('#status'))).toEqual(['']);

    // The ladder: from the sender through the core to the device, and back.
    const ladders = await page.evaluate<string[][]>(
      `[...document.querySelectorAll('.exchange')].map((exchange) =>
        [...exchange.querySelectorAll('li')].map((step) => step.className + ': ' + step.querySelector('b').innerText))`,
    );
    const of = (method: string) => ladders.find(([first]) => first === `sender right request: ${method}`);
    expect(of('INVITE')?.filter((step) => step.includes('request'))).toEqual(
      ['INVITE', 'ACK', 'BYE'].flatMap((method) => [
        `sender right request: ${method}`,
        `device right request: ${method}`,
      ]),
    );
    expect(of('MESSAGE')).toEqual([
      'sender right request: MESSAGE',
      'device right request: MESSAGE',
      'device left response: 200 OK',
      'sender left response: 200 OK',
    ]);
    // Messages are collapsed at first.
    expect(await page.evaluate(`document.querySelectorAll('details[open]').length`)).toBe(0);
    await page.evaluate(`document.querySelector('summary').click()`);
    expect(await page.evaluate(text('details[open] pre'))).toEqual([
      expect.stringMatching(/^INVITE sip:bob@domain\.test SIP\/2\.0 Via: /),
    ]);

    expect(page.problems).toEqual([]);
    // chrome: is the first tab of the browser itself, which loads at the same time.
    const others = page.requests.filter((each) => !each.startsWith(url) && !/^(data|chrome):/.test(each));
    expect(others).toEqual([]);
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 400],
  ] as const)('is readable: %s, %i pixels wide', async (scheme, width) => {
    await using page = await Chromium.open(url, { dark: scheme === 'dark', width });
    await page.until(`${CARDS}.length`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    // WCAG 2.2, 1.4.3: text has a contrast of at least 4.5 to its background.
    const contrasts = await page.evaluate<Record<string, number>>(CONTRASTS);
    expect(Object.keys(contrasts).length).toBeGreaterThan(8);
    for (const [what, contrast] of Object.entries(contrasts))
      expect(contrast, what).toBeGreaterThanOrEqual(4.5);
    expect(page.problems).toEqual([]);
  });
});

/** The contrast of each element that directly contains text, by its name and classes. */
const CONTRASTS = `(() => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return backgroundColor === 'rgba(0, 0, 0, 0)' ? background(element.parentElement) : backgroundColor;
  };
  const contrasts = {};
  for (const element of document.body.querySelectorAll('*')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    if (!element.checkVisibility()) continue;
    const [low, high] = [getComputedStyle(element).color, background(element)].map(luminance).sort((a, b) => a - b);
    contrasts[element.localName + '.' + element.className] = (high + 0.05) / (low + 0.05);
  }
  return contrasts;
})()`;
