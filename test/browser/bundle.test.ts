/** A browser bundle of the host and the four applications. */

import { beforeAll, describe, expect, it } from 'vitest';
import { type BrowserBundle, bundleForBrowser } from '../support/pages/browser-page.js';

describe('a bundle for browsers', () => {
  let bundle: BrowserBundle;
  beforeAll(async () => {
    bundle = await bundleForBrowser('test/browser/host.ts');
  });

  it('contains no module of Node.js', () => {
    const { inputs, outputs } = bundle.metafile;
    const outside = Object.entries(inputs).flatMap(([path, { imports }]) =>
      imports.flatMap((each) =>
        each.external && each.path !== '<runtime>' ? [`${path}: ${each.path}`] : [],
      ),
    );
    expect(outside).toEqual([]);
    const inside = Object.values(outputs).flatMap((output) =>
      Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    );
    expect(inside).toContain('core/platform/browser/index.ts');
    expect(
      inside.filter((path) =>
        /platform\/node\/|node_modules\/(ws|classic-level|zod\/v4\/classic)\//.test(path),
      ),
    ).toEqual([]);
  });
});
