"""Reads a topic to its end with isolation.level=read_committed and prints a JSON line: for each key, and each transaction number under it, the indexes read in
order of partition and offset, and how many there should be.

argv: bootstrap topic partitions.
"""
import json
import sys

from confluent_kafka import Consumer, TopicPartition

bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({
    "bootstrap.servers": bootstrap, "group.id": "committed-reader", "isolation.level": "read_committed", "enable.auto.commit": False,
    "enable.partition.eof": True, "auto.offset.reset": "earliest",
})
consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
ended = set()
found = {}
disorder = []
while len(ended) < partitions:
    message = consumer.poll(30)
    if message is None:
        break
    if message.error():
        ended.add(message.partition())
        continue
    key = message.key().decode()
    number, index, count = (int(word) for word in message.value().split())
    read = found.setdefault(key, {}).setdefault(number, {"count": count, "indexes": [], "last": {}})
    if read["last"].get(message.partition(), -1) >= index:
        disorder.append([key, number, index])
    read["last"][message.partition()] = index
    read["indexes"].append(index)
consumer.close()
print(json.dumps({"ended": len(ended), "disorder": disorder, "found": {key: {str(n): [r["count"], sorted(r["indexes"])] for n, r in numbers.items()} for key, numbers in found.items()}}))
