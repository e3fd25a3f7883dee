"""confluent-kafka: produce with each codec, keys, headers, timestamps; consume in a group, commit, start again, resume. argv: bootstrap. Exit code 0 when all holds."""
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap = sys.argv[1]
admin = AdminClient({"bootstrap.servers": bootstrap})
BASE = int(time.time() * 1000) - 3_600_000


def produce(topic, codec, first, last):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 5, "enable.idempotence": True})
    errors = []
    for n in range(first, last):
        producer.produce(topic, key=f"k{n}", value=f"v{n} {'y' * 50}", headers=[("n", str(n).encode()), ("null", None)], timestamp=BASE + n, on_delivery=lambda e, m: e and errors.append(e))
        producer.poll(0)
    assert producer.flush(60) == 0 and not errors, errors


def consume(topic, group, count, seen):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "check.crcs": True})
    consumer.subscribe([topic])
    got, until = 0, time.time() + 60
    while got < count:
        assert time.time() < until, f"{got} of {count}"
        for message in consumer.consume(500, 1):
            assert message.error() is None, message.error()
            n = int(message.key()[1:])
            assert n not in seen and message.value().startswith(f"v{n} ".encode()) and message.timestamp()[1] == BASE + n
            assert message.headers() == [("n", str(n).encode()), ("null", None)]
            seen.add(n)
            got += 1
    consumer.commit(asynchronous=False)
    consumer.close()


for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    topic = f"python-{codec}"
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(30)
    seen = set()
    produce(topic, codec, 0, 2000)
    consume(topic, f"py-{codec}", 2000, seen)
    produce(topic, codec, 2000, 2500)
    consume(topic, f"py-{codec}", 500, seen)
    print("ok", codec)
groups = {g.group_id for g in admin.list_consumer_groups().result().valid}
assert {"py-none", "py-zstd"} <= groups, groups
print("ok groups")
