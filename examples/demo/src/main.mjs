import { startApp } from './app.mjs';

const bootstrap = process.argv[2] ?? process.env.BOOTSTRAP ?? 'localhost:9092';
const app = await startApp({ bootstrap, port: Number(process.env.PORT ?? 8080) });
console.log(`open ${app.url}, or: curl '${app.url}/rest/api/producerMsg?message=hello'`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close().then(() => process.exit(0)));
