"""An agent in Python with nats-py alone: it publishes outcomes, and stops when the circuit of its pair opens.

A fleet has to be there, e.g. npx fulcrum-trust up --data ./trust-data --nats nats://127.0.0.1:4222

    pip install -r requirements.txt
    python nats_agent.py nats://127.0.0.1:4222
"""

import asyncio
import json
import sys
import uuid

import nats
from nats.js.api import DeliverPolicy

TENANT = "default"
PAIR = {"agent_a": "planner", "agent_b": "python-agent"}


class Circuit:
    """How the circuit of our pair stands, by what was heard of it."""

    def __init__(self) -> None:
        self.transition = 0
        self.stopped = asyncio.Event()

    def hear(self, data: dict) -> None:
        # A late repeat of an older change may follow: the highest number is how it stands.
        if {data["agent_a"], data["agent_b"]} != set(PAIR.values()) or data["transition"] <= self.transition:
            return
        self.transition = data["transition"]
        print(f"{data['agent_a']} and {data['agent_b']}: {data['from']} -> {data['to']}, trust {data['trust_score']:.3f}")
        # In shadow mode nobody has to stop. HALF_OPEN lets one probe of the whole fleet through: we hold no lease for it.
        if data["enforced"] and data["to"] != "CLOSED":
            self.stopped.set()
        else:
            self.stopped.clear()


async def main(url: str) -> None:
    connection = await nats.connect(url)
    stream = connection.jetstream()
    circuit, caught_up = Circuit(), asyncio.Event()

    async def on_circuit(message) -> None:
        circuit.hear(json.loads(message.data)["data"])
        if message.metadata.num_pending == 0:
            caught_up.set()

    # From the last event of every pair on: what is open already is heard of before the first call.
    subscription = await stream.subscribe(
        f"fulcrum.trust.circuits.{TENANT}.>",
        cb=on_circuit,
        ordered_consumer=True,
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
    )
    at_start = await subscription.consumer_info()
    if at_start.num_pending > 0 or at_start.delivered.consumer_seq > 0:
        await caught_up.wait()

    calls = 0
    while not circuit.stopped.is_set() and calls < 50:
        calls += 1
        # The call would be made here. One whose report is sent again, under the same id, counts once.
        event = {"id": str(uuid.uuid4()), **PAIR, "outcome": "failure", "content": "the tool is not there"}
        await stream.publish(
            f"fulcrum.trust.interactions.{TENANT}",
            json.dumps(event).encode(),
            headers={"Nats-Msg-Id": event["id"]},
        )
        try:
            await asyncio.wait_for(circuit.stopped.wait(), 0.2)
        except asyncio.TimeoutError:
            pass
    print(f"stopped after {calls} calls" if circuit.stopped.is_set() else "nobody stopped me")
    await connection.close()


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "nats://127.0.0.1:4222"))
