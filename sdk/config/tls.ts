/** Loads the certificates and keys that a configuration refers to. */

import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { defined } from '../../core/defined.js';
import { ConfigurationError } from '../../core/errors.js';
import type { TlsOptions } from '../../core/platform/sockets.js';
import type { TlsFiles } from './fields.js';
import { readSmallFile } from './load.js';

/**
 * @param within key of the configuration that contains `files`.
 * @throws ConfigurationError naming the key whose file cannot be read or is invalid.
 */
export async function loadTls(
  files: TlsFiles,
  source: string,
  folder: string,
  within = 'tls',
): Promise<TlsOptions> {
  const { ca, cert, key } = files;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError(
      `${source}: "${within}.cert" and "${within}.key" require each other: set both or neither`,
    );
  }
  const read = async (name: string, file: string | undefined) => {
    if (file === undefined) return undefined;
    try {
      return Buffer.from(await readSmallFile(resolve(folder, file)));
    } catch (error) {
      throw new ConfigurationError(`${source}: "${within}.${name}": ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const material = defined({
    ca: await read('ca', ca),
    cert: await read('cert', cert),
    key: await read('key', key),
  });
  try {
    // Validates the files now, not at the first connection.
    createSecureContext(material);
  } catch (error) {
    const names = Object.keys(material).map((name) => `"${within}.${name}"`);
    throw new ConfigurationError(
      `${source}: ${names.join(', ')} cannot be used: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  return material;
}
