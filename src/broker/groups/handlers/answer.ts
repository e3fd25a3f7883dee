import type { RequestContext } from '../../contract.ts';

/**
 * Replies to a request that may have waited. A reply that cannot be written ends its own connection: whoever called belongs to another member of the
 * group, and must go on.
 */
export function answer<Response>(context: RequestContext<Response>, response: Response): void {
  try {
    context.reply(response);
  } catch (error) {
    context.closeConnection(`the reply cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
