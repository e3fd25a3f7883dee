/** Reads a document of a URL: `file:` from the disk, `http:` and `https:` from the network; bounded in time and size. */
import { promises as files } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FETCH_MS_MAX = 10_000;
const DOCUMENT_BYTES_MAX = 1024 * 1024;

export interface DocumentRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Rejects with Error for what is not there, too large, too slow, or answered with a failure. */
export async function fetchDocument(url: string, request: DocumentRequest = {}): Promise<string> {
  if (url.startsWith('file:')) return readDocument(fileURLToPath(url));
  const { body } = request;
  const response = await fetch(url, {
    method: request.method ?? 'GET', headers: { ...request.headers }, redirect: 'error', signal: AbortSignal.timeout(FETCH_MS_MAX), ...(body === undefined ? {} : { body }),
  });
  if (!response.ok || response.body === null) throw new Error(`the server answered with status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of response.body) {
    lengthBytes += chunk.length;
    if (lengthBytes > DOCUMENT_BYTES_MAX) throw new Error(`the document is larger than ${DOCUMENT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readDocument(path: string): Promise<string> {
  const { size } = await files.stat(path);
  if (size > DOCUMENT_BYTES_MAX) throw new Error(`the document is larger than ${DOCUMENT_BYTES_MAX} bytes`);
  return files.readFile(path, 'utf8');
}
