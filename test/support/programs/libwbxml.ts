/** Runs the tools of libwbxml over many files at once, with one process for each file, from one shell. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand } from './peers.js';
import { runProcess } from './process.js';

const options = {
  // White space kept; no string table, which is optional; WBXML 1.3.
  xml2wbxml: ['-k', '-n', '-v', '1.3'],
  // White space kept; nothing indented.
  wbxml2xml: ['-k', '-m', '0'],
};

/** The output of the tool for each document; undefined if it rejects the document. */
export async function convert(
  tool: keyof typeof options,
  documents: readonly Uint8Array[],
): Promise<(Uint8Array | undefined)[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-libwbxml-'));
  try {
    await Promise.all(documents.map((document, index) => writeFile(join(folder, `${index}.in`), document)));
    const each = `"$0" "$@" -o "$file.out" "$file" >/dev/null 2>&1 || rm -f "$file.out"`;
    const { code, stderr } = await runProcess(
      'sh',
      ['-c', `for file in *.in; do ${each}; done`, peerCommand(tool), ...options[tool]],
      { cwd: folder },
    );
    if (code !== 0) throw new Error(`the shell ended with ${code}: ${stderr}`);
    return await Promise.all(
      documents.map((_, index) => readFile(join(folder, `${index}.in.out`)).catch(() => undefined)),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
