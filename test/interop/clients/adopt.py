"""Before and after an adoption: `fill ADDRESS` makes topics, records and a group that stops half way; `resume ADDRESS` checks all of it and goes on."""
import json
import sys

from confluent_kafka import Consumer, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
PARTITIONS = 3
PER_CODEC = 300
COMMITTED = 200
TOPIC = 'orders'
SETTINGS = {'retention.ms': '7200000', 'max.message.bytes': '2000000', 'cleanup.policy': 'compact,delete'}
GROUP = 'shop'
# Of the consumer protocol (KIP-848).
NEW_GROUP = 'new-shop'


def values():
    return ['%s-%d' % (codec, number) for codec in CODECS for number in range(PER_CODEC)]


def produce(address, codec, lines):
    producer = Producer({'bootstrap.servers': address, 'compression.type': codec, 'linger.ms': 5, 'enable.idempotence': True})
    failures = []
    for number, line in enumerate(lines):
        producer.produce(TOPIC, line.encode(), key=b'k%d' % number, partition=number % PARTITIONS, headers={'codec': codec.encode()},
                         on_delivery=lambda error, message: failures.append(error) if error else None)
        producer.poll(0)
    producer.flush(30)
    assert not failures, failures[0]


def consumer(address, group=GROUP, **more):
    return Consumer({'bootstrap.servers': address, 'group.id': group, 'auto.offset.reset': 'earliest', 'enable.auto.commit': False, **more})


def committed(reader):
    offsets = reader.committed([TopicPartition(TOPIC, index) for index in range(PARTITIONS)], 30)
    return sum(max(found.offset, 0) for found in offsets)


def take(reader, count):
    got = []
    for _ in range(300):
        for message in reader.consume(min(100, count - len(got)), 0.2):
            assert message.error() is None, message.error()
            got.append(message)
        if len(got) >= count:
            return got
    raise AssertionError('only %d of %d records came' % (len(got), count))


def settings_of(address):
    resource = ConfigResource(ResourceType.TOPIC, TOPIC)
    admin = AdminClient({'bootstrap.servers': address})
    entries = list(admin.describe_configs([resource]).values())[0].result(30)
    return {name: entries[name].value for name in SETTINGS}


def topics_of(address):
    admin = AdminClient({'bootstrap.servers': address})
    names = sorted(admin.list_topics(timeout=30).topics)
    described = admin.describe_topics(TopicCollection([name for name in names if name != '__consumer_offsets']))
    return {name: [str(future.result(30).topic_id), len(future.result(30).partitions)] for name, future in described.items()}


def fill(address):
    admin = AdminClient({'bootstrap.servers': address})
    made = admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1, config=SETTINGS), NewTopic('empty', 2, 1), NewTopic('deleted', 1, 1)])
    for future in made.values():
        future.result(30)
    for codec in CODECS:
        produce(address, codec, ['%s-%d' % (codec, number) for number in range(PER_CODEC)])
    reader = consumer(address)
    reader.subscribe([TOPIC])
    taken = take(reader, COMMITTED)
    reader.commit(asynchronous=False)
    reader.close()
    reader = consumer(address, NEW_GROUP, **{'group.protocol': 'consumer'})
    reader.subscribe([TOPIC])
    take(reader, COMMITTED)
    reader.commit(asynchronous=False)
    reader.close()
    list(admin.delete_topics(['deleted']).values())[0].result(30)
    assert settings_of(address) == SETTINGS
    print(json.dumps({'topics': topics_of(address), 'taken': [message.value().decode() for message in taken]}))


def resume(address, before):
    assert topics_of(address) == before['topics'], topics_of(address)
    assert settings_of(address) == SETTINGS, settings_of(address)
    reader = consumer(address)
    assert committed(reader) == COMMITTED, committed(reader)
    newer = consumer(address, NEW_GROUP)
    assert committed(newer) == COMMITTED, committed(newer)
    newer.subscribe([TOPIC])
    take(newer, len(values()) - COMMITTED)
    newer.close()
    produce(address, 'lz4', ['more-%d' % number for number in range(PER_CODEC)])
    reader.subscribe([TOPIC])
    rest = take(reader, len(values()) + PER_CODEC - COMMITTED)
    reader.commit(asynchronous=False)
    reader.close()
    more = ['more-%d' % number for number in range(PER_CODEC)]
    assert sorted([message.value().decode() for message in rest] + before['taken']) == sorted(values() + more)
    assert all(message.headers() for message in rest)


def ended(address):
    reader = consumer(address)
    assert committed(reader) == len(values()) + PER_CODEC, committed(reader)
    assert settings_of(address) == SETTINGS
    reader.close()


if sys.argv[1] == 'fill':
    fill(sys.argv[2])
elif sys.argv[1] == 'resume':
    resume(sys.argv[2], json.load(sys.stdin))
else:
    ended(sys.argv[2])
