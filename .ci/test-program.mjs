/** Bundles a TypeScript program of `test` and runs it, with the source of the package. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Modules keep their own URL, by which they find their files. */
const ownUrl = {
  name: 'own-url',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?[tj]s$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }));
  },
};

/** @returns the path of the bundle of `test/NAME/main.ts`. */
export async function bundleTestProgram(name) {
  // Within the package, whose modules resolve its own name.
  const outfile = join(ROOT, `.vitest/${name}.mjs`);
  mkdirSync(join(outfile, '..'), { recursive: true });
  await build({
    entryPoints: [join(ROOT, `test/${name}/main.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    conditions: ['sip-push-source'],
    tsconfig: join(ROOT, 'tsconfig.json'),
    plugins: [ownUrl],
    logLevel: 'warning',
  });
  return outfile;
}

/** Runs `test/NAME/main.ts` with the arguments of this process, and exits as it does. */
export async function runTestProgram(name) {
  const program = await bundleTestProgram(name);
  const child = spawn(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the program as well, which ends by itself.
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  child.once('exit', (code, signal) => process.exit(signal ? 130 : code));
}
