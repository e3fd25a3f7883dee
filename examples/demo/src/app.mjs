/** The service: one route that produces, one that streams what is consumed, and a page. */
import { readFile } from 'node:fs/promises';
import Fastify from 'fastify';
import { KafkaError, createClient, serdes } from 'tidelog/client';

/** What a page that is opened later still gets to see. */
const SHOWN_MAX = 100;
const MESSAGE_LENGTH_MAX = 10_000;

/** Resolves once it listens. `close` lets requests end and leaves nothing running. */
export async function startApp({ bootstrap, topic = 'demo-messages', host = '127.0.0.1', port = 8080, logger = false }) {
  const client = createClient({ bootstrap });
  await createTopic(client, topic);
  const producer = client.producer({ value: serdes.string });
  const feed = startFeed(client, topic);
  const app = Fastify({ logger, forceCloseConnections: true });
  const page = await readFile(new URL('../public/index.html', import.meta.url));

  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  app.get('/rest/api/producerMsg', { schema: { querystring: messageSchema } }, async ({ query }) => producer.send({ topic, value: query.message }));
  app.get('/rest/api/messages', (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const leave = feed.join((record) => reply.raw.write(`data: ${JSON.stringify(record)}\n\n`));
    request.raw.once('close', leave);
  });

  await app.listen({ host, port });
  return {
    url: `http://${host}:${app.server.address().port}`,
    async close() {
      await app.close();
      await feed.close();
      await producer.close();
      await client.close();
    },
  };
}

const messageSchema = { type: 'object', required: ['message'], properties: { message: { type: 'string', minLength: 1, maxLength: MESSAGE_LENGTH_MAX } } };

async function createTopic(client, topic) {
  try {
    await client.admin.createTopic({ topic, partitions: 1 });
  } catch (error) {
    if (!(error instanceof KafkaError) || error.codeName !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

/** Reads the whole topic once, for all pages together. */
function startFeed(client, topic) {
  const shown = [];
  const pages = new Set();
  const consumer = client.consumer({ value: serdes.string, groupId: `demo-${process.pid}-${Date.now()}`, autoOffsetReset: 'earliest', autoCommit: false });
  consumer.subscribe([topic]);
  const reading = (async () => {
    for await (const { partition, offset, timestampMs, value } of consumer) {
      const record = { partition, offset, at: new Date(timestampMs).toISOString(), message: value };
      shown.push(record);
      if (shown.length > SHOWN_MAX) shown.shift();
      for (const show of pages) show(record);
    }
  })();
  return {
    join(show) {
      for (const record of shown) show(record);
      pages.add(show);
      return () => pages.delete(show);
    },
    async close() {
      await consumer.close();
      await reading;
    },
  };
}
