/** Bundles contain only what they use: one format does not include the others. */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Modules that are in the bundle of `source`. */
async function bundled(source: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents: source, resolveDir: ROOT },
    conditions: ['sip-push-source'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['abstract-level', 'classic-level', 'memory-level', 'jssip', 'ws'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

describe('a bundle', () => {
  it('with only MMS notifications has no WBXML, no XML and no platform', async () => {
    const paths = await bundled(
      "import { decodeNotification } from 'sip-push/formats'; console.log(decodeNotification);",
    );
    expect(paths).toContain('core/content/mms/notification.ts');
    expect(paths.filter((path) => /wbxml|xml|push-documents|platform|node_modules/.test(path))).toEqual([]);
  });

  it('with streamed messages has neither documents nor the platform', async () => {
    const paths = await bundled(
      "import { readRetrieval, textEnvelope, decodePushPdu } from 'sip-push/formats'; console.log(readRetrieval, textEnvelope, decodePushPdu);",
    );
    expect(paths).toContain('core/content/multipart/mime-multipart.ts');
    expect(paths.filter((path) => /wbxml|xml|push-documents|platform|node_modules/.test(path))).toEqual([]);
  });

  it('with the runtime contains the module that tsyringe needs', async () => {
    const paths = await bundled("import { PushRuntime } from 'sip-push'; console.log(PushRuntime);");
    expect(paths.some((path) => path.startsWith('node_modules/reflect-metadata/'))).toBe(true);
  });
});
