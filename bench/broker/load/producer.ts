/** Who a connection produces as: its id and epoch, and the ends of its transactions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { commitRequest, endTransaction, findCoordinator, findCoordinatorRequest, initProducerId, initProducerIdRequest } from './calls.ts';
import { decode, encode } from './connection.ts';
import type { LoadConnection } from './connection.ts';
import type { LoadOrder } from './order.ts';

/** The coordinator loads, is not there yet, is another one, or ends the transaction before. */
const NOT_READY = new Set([14, 15, 16, 51]);
const ATTEMPTS = 500;
const WAIT_MS = 20;

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** The same from run to run, so that a run does not leave ids behind. */
export const transactionalIdOf = (order: LoadOrder, index: number): string | null => (order.producers === 'transactional' ? `bench-transactions-${index}` : null);

export async function introduce(connection: LoadConnection, transactionalId: string | null): Promise<ProducerIdentity> {
  if (transactionalId !== null) {
    await untilReady('FindCoordinator', async () => {
      const { errorCode } = (await connection.call(findCoordinator, findCoordinatorRequest(transactionalId))).coordinators[0]!;
      return { errorCode };
    });
  }
  const answer = await untilReady('InitProducerId', () => connection.call(initProducerId, initProducerIdRequest(transactionalId)));
  return { producerId: Number(answer.producerId), producerEpoch: answer.producerEpoch };
}

async function untilReady<Answer extends { readonly errorCode: number }>(name: string, ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask();
    if (answer.errorCode === 0) return answer;
    if (!NOT_READY.has(answer.errorCode) || attempt === ATTEMPTS) throw new Error(`${name} failed with error code ${answer.errorCode}`);
    await sleep(WAIT_MS);
  }
}

export const commitFrame = (transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): Buffer => encode(endTransaction, commitRequest(transactionalId, producerId, producerEpoch));

/** Who it is in its next transaction. */
export function committed(frame: Buffer): ProducerIdentity {
  const answer = decode(endTransaction, frame);
  if (answer.errorCode !== 0) throw new Error(`EndTxn failed with error code ${answer.errorCode}`);
  return { producerId: Number(answer.producerId), producerEpoch: answer.producerEpoch };
}
