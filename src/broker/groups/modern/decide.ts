import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { coordinatorError } from '../../coordinator.ts';
import { Draft } from '../draft.ts';
import type { GroupState } from '../state.ts';

/** The answer of a decision, or why there is none. */
export type Reply<Response> = (error: KafkaError | null, response: Response | null) => void;

/** Runs a decision for a request; a KafkaError that it throws takes it back, and is the answer. The answer waits until all that it saw is kept. */
export function decideFor<Response>(state: GroupState, reply: Reply<Response>, run: (draft: Draft) => Response): null {
  const draft = new Draft(state);
  try {
    const response = run(draft);
    draft.finish((errorCode) => (errorCode === ErrorCode.NONE ? reply(null, response) : reply(new KafkaError(coordinatorError(errorCode)), null)));
  } catch (error) {
    draft.takeBack();
    if (!(error instanceof KafkaError)) throw error;
    reply(error, null);
  }
  return null;
}

/** Runs a decision that nobody asked for: a deadline. */
export function decideAlone(state: GroupState, what: string, run: (draft: Draft) => void): void {
  const draft = new Draft(state);
  try {
    run(draft);
  } catch (error) {
    draft.takeBack();
    throw error;
  }
  if (draft.isEmpty) return;
  draft.finish((errorCode) => {
    if (errorCode !== ErrorCode.NONE) state.host.logger.warn('a change of a group could not be written', { what, errorCode });
  });
}
