/** WriteTxnMarkers (27), versions 1 and 2: from coordinators of transactions, and from an administrator who ends a transaction that hangs. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readWriteTxnMarkersRequest, writeWriteTxnMarkersResponse } from '../../../protocol/generated/writeTxnMarkers.ts';
import type {
  WritableTxnMarker, WritableTxnMarkerResult, WritableTxnMarkerTopicResult, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
} from '../../../protocol/generated/writeTxnMarkers.ts';
import { isSafeInt64 } from '../../../protocol/offsets.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionMarker } from '../markers.ts';
import type { TransactionServices } from '../services.ts';

export const writeTxnMarkersHandler: ApiHandler<TransactionServices, WriteTxnMarkersRequest, WriteTxnMarkersResponse> = {
  ...spanOf(ApiKey.WriteTxnMarkers),
  read: readWriteTxnMarkersRequest,
  write: writeWriteTxnMarkersResponse,
  handle(request, context, { transactions }) {
    const markers = request.markers.map((marker) => resultOf(marker, ErrorCode.NONE));
    let left = 1;
    const finishOne = (): void => {
      if (--left === 0) context.reply({ markers });
    };
    request.markers.forEach((marker, at) => {
      const written = markerOf(marker);
      for (const { topic, partition, entry } of placesOf(marker, markers[at]!)) {
        left++;
        const done = (errorCode: number): void => {
          entry.errorCode = errorCode;
          finishOne();
        };
        if (written === null) done(ErrorCode.INVALID_PRODUCER_EPOCH);
        else transactions.markers.write(topic, partition, written, done);
      }
    });
    finishOne();
  },
  errorResponse: (request, errorCode) => ({ markers: request.markers.map((marker) => resultOf(marker, errorCode)) }),
};

/** Null: no producer has such an identity. */
function markerOf({ producerId, producerEpoch, transactionResult: isCommit, coordinatorEpoch, transactionVersion }: WritableTxnMarker): TransactionMarker | null {
  if (!isSafeInt64(producerId) || producerId < 0 || producerEpoch < 0) return null;
  return { producerId, producerEpoch, transactionVersion, marker: { isCommit, coordinatorEpoch } };
}

function resultOf({ producerId, topics }: WritableTxnMarker, errorCode: number): WritableTxnMarkerResult {
  const results: WritableTxnMarkerTopicResult[] = topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
  }));
  return { producerId, topics: results };
}

function* placesOf({ topics }: WritableTxnMarker, result: WritableTxnMarkerResult): Generator<{ topic: string; partition: number; entry: { errorCode: number } }> {
  for (let at = 0; at < topics.length; at++) {
    const { name, partitionIndexes } = topics[at]!;
    for (let index = 0; index < partitionIndexes.length; index++) {
      yield { topic: name, partition: partitionIndexes[index]!, entry: result.topics[at]!.partitions[index]! };
    }
  }
}
