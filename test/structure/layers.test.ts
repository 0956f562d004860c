import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesUnder, ROOT } from './files.js';
import { LAYERS, violations } from './layers.js';

function sources(): Map<string, string> {
  const files = ['core', 'sdk', 'plugins'].flatMap(filesUnder).filter((file) => file.endsWith('.ts'));
  return new Map(files.map((file) => [file, readFileSync(`${ROOT}/${file}`, 'utf8')]));
}

describe('layers', () => {
  it('are imported in one direction', () => {
    const files = sources();
    expect(files.size).toBeGreaterThan(300);
    expect(violations(files)).toEqual([]);
  });

  it('exist, as the folders and files that the table names', () => {
    const names = Object.entries(LAYERS).flat(2);
    const paths = names.filter((name) => /^(core|sdk|plugins)($|\/)/.test(name));
    expect(paths.filter((path) => !existsSync(`${ROOT}/${path}`))).toEqual([]);
  });

  it.each([
    ['core/store/x.ts', "import { Registry } from '../app/application/registry.js';"],
    ['core/sip/x.ts', "import type { Content } from '../content/content.js';"],
    ['core/app/x.ts', "import { parseUri } from '../sip/values/uri.js';"],
    ['core/sender/x.ts', "export { PagerReceiver } from '../receiver/pager.js';"],
    ['core/content/x.ts', "import { readFile } from 'node:fs/promises';"],
    ['core/receiver/x.ts', "import Transport from 'jssip/lib/Transport.js';"],
    ['core/msrp/x.ts', "import { parse } from 'sdp-transform';"],
    ['core/x.ts', "import { printable } from '../sdk/index.js';"],
    ['sdk/network/x.ts', "import { main } from '../cli/main.js';"],
    ['sdk/dev/x.ts', "const bundler = await import('../bundler/bundle.js');"],
    ['plugins/mms.ua/x.ts', "import {\n  Content,\n} from '../../core/content/content.js';"],
    ['plugins/mms.ua/x.ts', "import { createPushReceiver } from 'sip-push';"],
  ])('rejects an import that the table does not allow: %s', (file, text) => {
    expect(violations(new Map([[file, text]]))).toHaveLength(1);
  });

  it('ignores comments and text', () => {
    const text =
      "// import { a } from '../sender/sender.js';\nconst text = `import b from '../sip/message.js'`;";
    expect(violations(new Map([['core/time/x.ts', text]]))).toEqual([]);
  });
});
