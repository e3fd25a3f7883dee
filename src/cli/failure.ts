import { KafkaError } from '../protocol/errors.ts';

/** What went wrong, without the code's name where the broker has said more. */
export function failureText(error: unknown): string {
  const message = (error as Error).message;
  if (!(error instanceof KafkaError)) return message;
  const prefix = `${error.codeName}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
