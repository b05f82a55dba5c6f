"""The same agent with a Kafka client (confluent-kafka).

A fleet has to be there, e.g. npx fulcrum-trust up --data ./trust-data --kafka 127.0.0.1:9092

    pip install -r requirements.txt
    python kafka_agent.py 127.0.0.1:9092
"""

import hashlib
import json
import sys
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

TENANT = "default"
PAIR = {"agent_a": "planner", "agent_b": "python-agent"}
# The key of its interactions, so that all of a pair stays in one partition, in order.
PAIR_ID = hashlib.sha256(":".join(sorted(PAIR.values())).encode()).hexdigest()[:16]
CIRCUITS = "fulcrum.trust.circuits"


class Circuit:
    """How the circuit of our pair stands, by what was heard of it."""

    def __init__(self) -> None:
        self.transition = 0
        self.stopped = False

    def hear(self, data: dict) -> None:
        # A late repeat of an older change may follow: the highest number is how it stands.
        if (data["tenant"], data["pair_id"]) != (TENANT, PAIR_ID) or data["transition"] <= self.transition:
            return
        self.transition = data["transition"]
        print(f"{data['agent_a']} and {data['agent_b']}: {data['from']} -> {data['to']}, trust {data['trust_score']:.3f}")
        # In shadow mode nobody has to stop. HALF_OPEN lets one probe of the whole fleet through: we hold no lease for it.
        self.stopped = data["enforced"] and data["to"] != "CLOSED"


def main(brokers: str) -> None:
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            # The client wants a name. Nothing is kept under it: every agent reads all partitions, from the first event.
            "group.id": "python-agent",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    partitions = set(consumer.list_topics(CIRCUITS, timeout=10).topics[CIRCUITS].partitions)
    if not partitions:
        sys.exit(f"there is no topic {CIRCUITS}: start the fleet first")
    consumer.assign([TopicPartition(CIRCUITS, partition, OFFSET_BEGINNING) for partition in partitions])
    circuit, behind = Circuit(), set(partitions)

    def listen(seconds: float) -> None:
        """Hears the next event, or waits no longer for one than this."""
        message = consumer.poll(seconds)
        if message is None:
            return
        if message.error() is None:
            circuit.hear(json.loads(message.value())["data"])
        elif message.error().code() == KafkaError._PARTITION_EOF:
            behind.discard(message.partition())
        else:
            print(f"not heard: {message.error()}", file=sys.stderr)

    # What is open already is heard of before the first call.
    while behind:
        listen(1)

    calls = 0
    while not circuit.stopped and calls < 50:
        calls += 1
        # The call would be made here. One whose report is sent again, under the same id, counts once.
        event = {"id": str(uuid.uuid4()), **PAIR, "outcome": "failure", "content": "the tool is not there"}
        producer.produce("fulcrum.trust.interactions", key=PAIR_ID, value=json.dumps(event))
        producer.flush()
        until = time.monotonic() + 0.2
        while not circuit.stopped and time.monotonic() < until:
            listen(max(until - time.monotonic(), 0))
    print(f"stopped after {calls} calls" if circuit.stopped else "nobody stopped me")
    consumer.close()


main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092")
