"""Where metrics are asked for: what it leaves behind when it ends."""

import asyncio
import socket

import uvloop

from openvnet.metrics import Metrics
from openvnet.scraping import scraped


def test_who_gets_the_number_of_its_socket_afterwards_is_heard(tmp_path):
    """A loop that still watches a number that is given away never tells of its new owner."""

    async def within():
        loop = asyncio.get_running_loop()
        for _ in range(3):
            with scraped(Metrics("vna"), tmp_path / "a.sock", None):
                reader, writer = await asyncio.open_unix_connection(tmp_path / "a.sock")
                writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
                writer.close()
                await writer.wait_closed()
            one, other = socket.socketpair()
            heard = loop.create_future()
            loop.add_reader(one, heard.set_result, True)
            await asyncio.sleep(0)
            other.send(b"x")
            assert await asyncio.wait_for(heard, 5)
            loop.remove_reader(one)
            one.close()
            other.close()

    for run in (asyncio.run, uvloop.run):
        run(within())
