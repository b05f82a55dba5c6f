"""An agent in Python with nats-py alone: it publishes outcomes, and stops when the circuit of its pair opens.

    pip install nats-py
    python nats_agent.py nats://127.0.0.1:4222
"""

import asyncio
import json
import sys
import uuid

import nats

PAIR = {"agent_a": "planner", "agent_b": "python-agent"}


async def main(url: str) -> None:
    connection = await nats.connect(url)
    stream = connection.jetstream()
    opened = asyncio.Event()

    async def on_circuit(message) -> None:
        data = json.loads(message.data)["data"]
        if {data["agent_a"], data["agent_b"]} != set(PAIR.values()) or not data["enforced"]:
            return
        print(f"{data['agent_a']} and {data['agent_b']}: {data['from']} -> {data['to']}, trust {data['trust_score']:.3f}")
        if data["to"] in ("OPEN", "TERMINATED"):
            opened.set()

    # From the last event of every pair on: what is open already is heard of first.
    await stream.subscribe(
        "fulcrum.trust.circuits.default.>",
        cb=on_circuit,
        ordered_consumer=True,
        deliver_policy=nats.js.api.DeliverPolicy.LAST_PER_SUBJECT,
    )
    for call in range(1, 51):
        if opened.is_set():
            break
        # What could not be sent twice in a row: a retry under the same id counts once.
        event = {"id": str(uuid.uuid4()), **PAIR, "outcome": "failure", "content": "the tool is not there"}
        await stream.publish(
            "fulcrum.trust.interactions.default",
            json.dumps(event).encode(),
            headers={"Nats-Msg-Id": event["id"]},
        )
        try:
            await asyncio.wait_for(opened.wait(), 0.2)
        except asyncio.TimeoutError:
            pass
    print(f"stopped after {call} calls" if opened.is_set() else "nobody stopped me")
    await connection.close()


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "nats://127.0.0.1:4222"))
