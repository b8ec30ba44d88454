"""A node of the Python `kademlia` library, created as in its README, for bench/run.py: logging off,
on a free port, until SIGTERM. Runs inside the environment of tests/e2e/peers.py."""

import asyncio
import logging
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import peers  # noqa: E402

peers.use()
from kademlia.network import Server  # noqa: E402


async def serve():
    server = Server()
    await server.listen(0, "127.0.0.1")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("ready %s:%d" % server.transport.get_extra_info("sockname"), flush=True)
    await ended.wait()
    server.stop()


logging.disable(logging.CRITICAL)
asyncio.run(serve())
