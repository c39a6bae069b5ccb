"""Answers one client with openpi's own codec, in an environment of its own; prints its port first.

Each answer says back, in its actions, the sum of what was seen: how the original codec reads ours.
"""

import asyncio

import numpy as np
import websockets.asyncio.server as server
from openpi_client import msgpack_numpy


async def answer(connection):
    packer = msgpack_numpy.Packer()
    await connection.send(packer.pack({"model": "original", "numbers": np.arange(3.0)}))
    async for message in connection:
        seen = msgpack_numpy.unpackb(message)
        actions = np.zeros((16, 8), np.float32)
        actions[:, :7] = seen["joints"]
        actions[:, 7] = float(seen["eye"].astype(np.float64).mean()) / 255.0
        await connection.send(
            packer.pack({"actions": actions, "server_timing": {"infer_ms": np.float32(0.5)}})
        )


async def main():
    async with server.serve(answer, "127.0.0.1", 0, compression=None, max_size=None) as serving:
        print(next(iter(serving.sockets)).getsockname()[1], flush=True)
        await serving.serve_forever()


asyncio.run(main())
