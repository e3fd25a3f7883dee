"""Commits and aborts transactions of numbered records with librdkafka until standard input closes, over any number of broker deaths.

argv: bootstrap topic partitions transactional-id seed. Prints a JSON line: what became of each transaction (by its number), as far as the producer knows:
committed, aborted, or unknown when a commit was asked for and its answer was lost for good.
"""
import json
import random
import sys
import threading

from confluent_kafka import KafkaException, Producer

bootstrap, topic, partitions, transactional_id, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
chance = random.Random(seed)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
fates = {}
errors = []


def new_producer():
    producer = Producer({
        "bootstrap.servers": bootstrap, "transactional.id": transactional_id, "transaction.timeout.ms": 20000, "linger.ms": 1, "log_level": 0,
        "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20, "message.timeout.ms": 15000, "topic.metadata.refresh.interval.ms": 1000,
    })
    persist(lambda: producer.init_transactions(5))
    return producer


def persist(action):
    """Again while the error says that it may be tried again; whatever else it says is the caller's."""
    while True:
        try:
            return action()
        except KafkaException as failure:
            if not failure.args[0].retriable():
                raise


def transact(producer, number):
    """True while the producer can be used."""
    producer.begin_transaction()
    fates[number] = "aborted"
    count = chance.randrange(1, 40)
    for index in range(count):
        value = b"%d %d %d" % (number, index, count)
        producer.produce(topic, partition=chance.randrange(partitions), key=transactional_id.encode(), value=value)
        producer.poll(0)
    try:
        if chance.random() < 0.25:
            persist(lambda: producer.abort_transaction(10))
            return True
        producer.flush()
        fates[number] = "unknown"
        persist(lambda: producer.commit_transaction(10))
        fates[number] = "committed"
        return True
    except KafkaException as failure:
        error = failure.args[0]
        errors.append(error.str())
        if not error.txn_requires_abort():
            return False
        fates[number] = "aborted"
        persist(lambda: producer.abort_transaction(10))
        return True


producer = new_producer()
number = 0
while not stop.is_set():
    usable = False
    try:
        usable = transact(producer, number)
    except KafkaException as failure:
        errors.append(failure.args[0].str())
    number += 1
    if not usable:
        producer = new_producer()
print(json.dumps({"fates": [fates.get(n, "aborted") for n in range(number)], "errors": errors[:20]}))
