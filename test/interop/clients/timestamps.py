"""Writes the same records (timestamps out of order, equal, with gaps) to two brokers and compares offsets by timestamp. argv: bootstrapA bootstrapB lookups."""
import random
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SEED, TOPIC, RECORDS, BASE = 20261121, "by-time", 60_000, 1_700_000_000_000
random.seed(SEED)
now, stamps = BASE, []
for _ in range(RECORDS):
    now += random.choice([0, 0, 1, 1, 3, 50])
    stamps.append(max(BASE, now - random.choice([0, 0, 0, 5, 400, 20_000])))
for bootstrap in sys.argv[1:3]:
    for codec, topic in (("none", TOPIC), ("lz4", TOPIC + "-lz4")):
        # the records are years old: retention must not take them
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic(topic, 1, 1, config={"retention.ms": "-1"})])[topic].result(30)
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.num.messages": 200, "compression.type": codec, "queue.buffering.max.messages": RECORDS + 1})
        for n, stamp in enumerate(stamps):
            producer.produce(topic, partition=0, value=b"%d" % n, timestamp=stamp)
            if n % 1000 == 0:
                producer.poll(0)
        assert producer.flush(60) == 0
targets = [random.randint(BASE - 1000, max(stamps) + 1000) for _ in range(int(sys.argv[3]))] + random.sample(stamps, 500) + [0, max(stamps), max(stamps) + 1]
differences = 0
consumers = [Consumer({"bootstrap.servers": b, "group.id": "by-time"}) for b in sys.argv[1:3]]
for topic in (TOPIC, TOPIC + "-lz4"):
    for target in targets if topic == TOPIC else targets[::10]:
        ours, theirs = (c.offsets_for_times([TopicPartition(topic, 0, target)], timeout=30)[0].offset for c in consumers)
        if ours != theirs:
            differences += 1
            if differences <= 5:
                print(f"{topic} at {target}: {ours} instead of {theirs}")
print(f"{len(targets)} timestamps, {differences} differences, seed {SEED}")
sys.exit(1 if differences else 0)
