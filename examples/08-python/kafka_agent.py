"""The same agent with a Kafka client (confluent-kafka).

    pip install confluent-kafka
    python kafka_agent.py 127.0.0.1:9092
"""

import hashlib
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer

AGENTS = sorted(["planner", "python-agent"])
# The pair id is the key, so that all of a pair stays in one partition, in order.
PAIR_ID = hashlib.sha256(":".join(AGENTS).encode()).hexdigest()[:16]


def main(brokers: str) -> None:
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            # A group of its own: every agent hears of every circuit, the last of each pair first.
            "group.id": f"python-agent-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["fulcrum.trust.circuits"])
    is_open, highest, calls = False, -1, 0
    while not is_open and calls < 50:
        calls += 1
        event = {
            "id": str(uuid.uuid4()),
            "agent_a": "planner",
            "agent_b": "python-agent",
            "outcome": "failure",
        }
        producer.produce("fulcrum.trust.interactions", key=PAIR_ID, value=json.dumps(event))
        producer.flush()
        message = consumer.poll(0.5)
        while message is not None:
            if message.error() is None:
                data = json.loads(message.value())["data"]
                # A late repeat of an older change may follow: the highest number is how it stands.
                if data["pair_id"] == PAIR_ID and data["transition"] > highest and data["enforced"]:
                    highest = data["transition"]
                    is_open = data["to"] in ("OPEN", "TERMINATED")
                    print(f"{data['agent_a']} and {data['agent_b']}: {data['from']} -> {data['to']}")
            message = consumer.poll(0)
    print(f"stopped after {calls} calls" if is_open else "nobody stopped me")
    consumer.close()


main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092")
