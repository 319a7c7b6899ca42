// The same one event, in a worker; the main thread has not loaded the package.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('./esm.mjs', import.meta.url));
const [code] = await once(worker, 'exit');
process.exitCode = code;
