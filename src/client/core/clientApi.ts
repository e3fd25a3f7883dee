import type { Reader } from '../../protocol/reader.ts';
import type { Writer } from '../../protocol/writer.ts';

/** One API as the client speaks it: its codecs and the newest version that this client understands. */
export interface ClientApi<Request, Response> {
  readonly apiKey: number;
  readonly versionMax: number;
  write(writer: Writer, request: Request, version: number): void;
  read(reader: Reader, version: number): Response;
}
