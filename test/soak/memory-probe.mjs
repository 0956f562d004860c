/** Loaded by `node --import` into a measured process: answers each message of its parent with the memory in use. */

process.on('message', () => process.send?.(process.memoryUsage()));
// The channel to the parent does not keep the process running.
process.channel?.unref();
