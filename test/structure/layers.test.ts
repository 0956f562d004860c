import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { violations } from './layers.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function sources(): Map<string, string> {
  const files = ['core', 'sdk', 'plugins'].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name}`,
    ),
  );
  return new Map(
    files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [file, readFileSync(`${ROOT}/${file}`, 'utf8')]),
  );
}

describe('layers', () => {
  it('are imported in one direction', () => {
    const files = sources();
    expect(files.size).toBeGreaterThan(300);
    expect(violations(files)).toEqual([]);
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
