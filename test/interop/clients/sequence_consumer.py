"""Reads a topic to its end and prints, per partition, how many numbered records there are and the first place where the numbers are not 0, 1, 2, ...

argv: bootstrap topic partitions
"""
import json
import sys

from confluent_kafka import Consumer, TopicPartition

bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "verify", "enable.auto.commit": False, "auto.offset.reset": "earliest", "check.crcs": True})
ends = [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in range(partitions)]
consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
seen, wrong, position = [0] * partitions, [None] * partitions, [0] * partitions
while any(position[p] < ends[p] for p in range(partitions)):
    batch = consumer.consume(5000, 10)
    if not batch:
        break
    for message in batch:
        if message.error():
            print(json.dumps({"error": str(message.error())}))
            sys.exit(1)
        p = message.partition()
        number = int(message.value().split(b" ", 1)[0])
        if number != seen[p] and wrong[p] is None:
            wrong[p] = {"offset": message.offset(), "expected": seen[p], "found": number}
        seen[p] += 1
        position[p] = message.offset() + 1
consumer.close()
print(json.dumps({"ends": ends, "seen": seen, "wrong": wrong}))
