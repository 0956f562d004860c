/** What a bundle with applications in workers begins with: it is the script of those, too. */

export { insideWorker, serveWorker } from '../../../core/worker.js';
