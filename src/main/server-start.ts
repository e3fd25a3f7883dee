/** `kafka-server-start`: a broker as a process. */
import { fileURLToPath } from 'node:url';
import { runServer } from './server/run.ts';

void runServer(process.argv.slice(2), fileURLToPath(import.meta.url));
