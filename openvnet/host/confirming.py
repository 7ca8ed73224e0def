"""Whether a host is still reached after its NIC was moved: its routers say so, and its user."""

import asyncio
import sys
from collections.abc import Sequence

from openvnet.host.devices import is_known
from openvnet.host.errors import HostError

AGAIN_SECONDS = 0.2


async def confirm(
    answering: Sequence[str], gateways: Sequence[str], name: str, seconds: float
) -> None:
    """Wait until all answer: those named by ping, gateways by that or by their MAC address.

    `name` is the device by which they are reached. Raises HostError, which names who does not.
    """
    asked = [*answering, *(each for each in gateways if each not in answering)]
    silent = set(asked)
    try:
        async with asyncio.timeout(seconds):
            while silent:
                found = await asyncio.gather(*map(_answers, sorted(silent)))
                heard = {each for each, has in zip(sorted(silent), found, strict=True) if has}
                heard |= {each for each in silent & set(gateways) if is_known(each, name)}
                silent -= heard
                if silent:
                    await asyncio.sleep(AGAIN_SECONDS)
    except TimeoutError:
        raise HostError(
            f"{', '.join(sorted(silent))} did not answer within {seconds:g} s."
        ) from None


async def _answers(address: str) -> bool:
    ping = await asyncio.create_subprocess_exec(
        *("ping", "-n", "-q", "-c", "1", "-W", "1", address),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await ping.wait() == 0
    finally:
        if ping.returncode is None:
            ping.kill()


async def pressed_enter(seconds: float) -> bool:
    """Whether somebody is at the terminal and presses Enter in time."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        async with asyncio.timeout(seconds):
            return bool(await typed)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(sys.stdin)
