"""Produces numbered records with librdkafka's idempotent producer until standard input closes, over any number of broker deaths.

argv: bootstrap topic partitions codec. Prints a JSON line with, per partition, the numbers acknowledged (all of 0..n-1 when nothing was lost) and errors.
"""
import json
import sys
import threading

from confluent_kafka import KafkaException, Producer

bootstrap, topic, partitions, codec = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
fatal = []
producer = Producer({
    "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "compression.type": codec, "linger.ms": 2,
    "message.timeout.ms": 0, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20, "queue.buffering.max.messages": 20000, "topic.metadata.refresh.interval.ms": 1000,
    "error_cb": lambda error: fatal.append(str(error)) if error.fatal() else None, "log_level": 0,
})
sent = [0] * partitions
acked = [[] for _ in range(partitions)]
failed = []


def delivered(partition, number):
    def report(error, message):
        if error is None:
            acked[partition].append((number, message.offset()))
        else:
            failed.append([partition, number, str(error)])
    return report


while not stop.is_set() and not fatal:
    for partition in range(partitions):
        try:
            producer.produce(topic, partition=partition, value=b"%d " % sent[partition] + b"x" * 90, on_delivery=delivered(partition, sent[partition]))
            sent[partition] += 1
        except BufferError:
            producer.poll(0.01)
        except KafkaException as error:
            failed.append([partition, sent[partition], str(error)])
            stop.set()
    producer.poll(0)
left = producer.flush(60)
print(json.dumps({
    "sent": sent, "left": left, "failed": failed[:20], "failedCount": len(failed), "fatal": fatal[:5],
    "acked": [len(p) for p in acked],
    "inOrder": all(number == index for p in acked for index, (number, _) in enumerate(p)),
    "offsets": [[o for _, o in p[-3:]] for p in acked],
}))
