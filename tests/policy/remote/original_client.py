"""Speaks to a server with openpi's own client, in an environment of its own; prints what came as JSON.

Arguments: host, port, token, height and width of the picture. The joint positions come on stdin as JSON.
"""

import json
import sys

import numpy as np
from openpi_client.action_chunk_broker import ActionChunkBroker
from openpi_client.websocket_client_policy import WebsocketClientPolicy

host, port, token, height, width = sys.argv[1:]
client = WebsocketClientPolicy(host=host, port=int(port), api_key=token)
observation = {
    "state/joint_position": np.array(json.load(sys.stdin)),
    "state/gripper": np.array([0.04, 0.0]),
    "image/wrist": np.zeros((int(height), int(width), 3), np.uint8),
    "prompt": "pick up the red block",
}
answer = client.infer(observation)
broken = ActionChunkBroker(client, action_horizon=16).infer(observation)
print(
    json.dumps(
        {
            "numpy": np.__version__,
            "metadata": client.get_server_metadata(),
            "dtype": str(answer["actions"].dtype),
            "actions": answer["actions"].tolist(),
            "first": broken["actions"].tolist(),
        }
    )
)
