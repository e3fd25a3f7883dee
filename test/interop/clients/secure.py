"""confluent-kafka over SASL and TLS. argv: a JSON list of {name, config, token, seconds, fails}. Each case produces and reads back for `seconds`, or must fail to log in. Exit code 0 when all holds."""
import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

for case in json.loads(sys.argv[1]):
    name, config, token = case["name"], dict(case["config"]), case.get("token")
    errors = []
    if token:
        config["oauth_cb"] = lambda _, token=token: (token, time.time() + 600)
    config["error_cb"] = lambda error: errors.append(error)
    config["log_level"] = 2
    if case.get("fails"):
        admin = AdminClient(config)
        until = time.time() + 20
        while not errors and time.time() < until:
            admin.poll(0.2)
        assert any(error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT) for error in errors), (name, errors)
        print("ok refused", name)
        continue
    topic = f"secure-{name}"
    admin = AdminClient(config)
    if token:
        admin.poll(1)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer(config)
    sent, until = 0, time.time() + case.get("seconds", 0)
    while sent < 100 or time.time() < until:
        producer.produce(topic, value=b"x" * 2000)
        producer.poll(0)
        sent += 1
        if sent > 100:
            producer.flush(10)
            time.sleep(0.02)
    assert producer.flush(30) == 0, name
    consumer = Consumer({**config, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    got, until = 0, time.time() + 60
    while got < sent:
        assert time.time() < until, (name, got, sent, errors)
        got += sum(1 for message in consumer.consume(500, 1) if message.error() is None)
    consumer.close()
    print("ok", name, sent)
