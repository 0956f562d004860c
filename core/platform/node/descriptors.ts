/** The file descriptors of this process: how many it may open, and how many of them connections may use. */

import { readFileSync } from 'node:fs';
import { ConfigurationError } from '../../errors.js';

/**
 * Node.js opens about 200 files at the same time while it loads the modules of a host. Later a host needs about 50 besides
 * its connections: the event loop, threads, the store, files.
 */
const LEAST = 256;

/** Descriptors that accepted connections do not use: those of files, the store, workers and own connections. */
const RESERVED = 256;

let limit: number | undefined;
let accepted = 0;

/** Infinity if the system has no limit, or does not reveal it. */
function descriptorLimit(): number {
  limit ??= readLimit();
  return limit;
}

function readLimit(): number {
  try {
    const [, soft] = /^Max open files +([0-9]+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Not Linux: the report is slower.
    const report = process.report?.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
    const soft = Number(report?.userLimits?.open_files?.soft);
    return soft > 0 ? soft : Number.POSITIVE_INFINITY;
  }
}

/** @throws ConfigurationError if this process cannot run with so few. */
export function requireDescriptors(): void {
  const open = descriptorLimit();
  if (open >= LEAST) return;
  throw new ConfigurationError(
    `too few file descriptors: this process may open ${open}, expected at least ${LEAST}; raise the limit (ulimit -n, LimitNOFILE= of systemd)`,
  );
}

/** Connections that listeners of this process may have together. */
export function connectionDescriptors(): number {
  const open = descriptorLimit();
  return open - Math.min(RESERVED, Math.floor(open / 2));
}

/** Counts an accepted connection. @returns false if no descriptor is left for it. */
export function acceptDescriptor(): boolean {
  if (accepted >= connectionDescriptors()) return false;
  accepted++;
  return true;
}

export function releaseDescriptor(): void {
  accepted--;
}
