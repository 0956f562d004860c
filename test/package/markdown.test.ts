/** Markdown pages: diagrams are valid, and links have targets. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import mermaid from 'mermaid';
import { describe, expect, it } from 'vitest';
import { codeBlocks } from '../support/pages/code-blocks.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_OURS = /(^|\/)(node_modules|dist|coverage|\.[^/]+)(\/|$)/;
const README_LINES = 200;

const entries = await readdir(ROOT, { recursive: true });
const pages = entries.filter((path) => path.endsWith('.md') && !NOT_OURS.test(path)).sort();
const textOf = (page: string) => readFile(join(ROOT, page), 'utf8');

describe('diagrams', () => {
  it('are valid Mermaid', async () => {
    const checked = new Set<string>();
    for (const page of pages) {
      for (const { language, text, line } of codeBlocks(await textOf(page))) {
        if (language !== 'mermaid') continue;
        await expect(mermaid.parse(text), `${page}, line ${line}`).resolves.toBeTruthy();
        checked.add(page);
      }
    }
    expect([...checked]).toContain('README.md');
  });

  it('are rejected if they are invalid: a semicolon ends a statement', async () => {
    await expect(mermaid.parse('sequenceDiagram\n  A->>B: Contact;+g.oma')).rejects.toThrow('Parse error');
  });
});

describe('links', () => {
  it.each(pages)('%s', async (page) => {
    expect(await brokenLinks(page, await textOf(page))).toEqual([]);
  });

  it('are reported if the file or the heading is missing', async () => {
    const text = '# A\n[a](no-file.md) [b](#no-heading) [c](README.md#no-heading) [d](#a) [e](README.md)';
    expect(await brokenLinks('test.md', text)).toEqual(['no-file.md', '#no-heading', 'README.md#no-heading']);
  });
});

it('applications in pages declare the queries that they answer', async () => {
  const checked: string[] = [];
  for (const page of pages) {
    for (const { text, line } of codeBlocks(await textOf(page))) {
      // What `start` returns is indented further than the definition.
      if (!text.includes('definePushApp(') || !/^ {4,}queries: \{/m.test(text)) continue;
      expect(text, `${page}, line ${line}`).toMatch(/^ {2}queries: \{/m);
      checked.push(page);
    }
  }
  expect(checked).toContain('README.md');
});

it(`the README has at most ${README_LINES} lines`, async () => {
  expect((await textOf('README.md')).trimEnd().split('\n').length).toBeLessThanOrEqual(README_LINES);
});

/** The targets of relative links and pictures whose file or heading does not exist. */
async function brokenLinks(page: string, text: string): Promise<string[]> {
  const broken: string[] = [];
  for (const [, target = ''] of withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
    if (path !== '' && (relative(ROOT, file).startsWith('..') || !existsSync(file))) broken.push(target);
    else if (anchor !== undefined) {
      const linked = path === '' ? text : await readFile(file, 'utf8');
      if (!anchorsOf(linked).has(anchor)) broken.push(target);
    }
  }
  return broken;
}

/** Anchors that code hosts generate for headings, and anchors in the HTML of the page. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id));
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}
