"""Redis, where the files say that it is: how it is reached, and why it is not, in words.

Who it is asked as, and with which password, stands in common.conf and nowhere else: what is on a
command line all users of a machine can read.
"""

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from openvnet.configuration.files import Configuration
from openvnet.configuration.keys import LiveNodes, Vnmgr
from openvnet.configuration.syntax import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

PATIENCE_SECONDS = 2.0
"""How long Redis may take to answer."""


class Registry(NamedTuple):
    """Where Redis is, and who this vnmgr is to it."""

    told: LiveNodes
    place: Callable[[str], str] = str
    """Of a key of the configuration, for errors."""

    @property
    def where(self) -> str:
        """Its address, without what is secret."""
        return f"{self.told.host}:{self.told.port}"

    def client(self) -> "Redis":
        """A client of it; nothing is sent yet."""
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        return Redis(
            host=self.told.host,
            port=self.told.port,
            username=self.told.user,
            password=self.told.password,
            ssl=self.told.tls,
            ssl_ca_certs=self.told.ca,
            ssl_check_hostname=True,  # Older releases of the client do not by themselves.
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # Who uses it tries again by itself.
        )

    def refusal(self, error: BaseException) -> str:
        """Why Redis lets nobody in, and which key says otherwise; nothing if it is just away."""
        from redis.exceptions import AuthenticationError, NoPermissionError

        words = str(error)
        if isinstance(error, NoPermissionError):
            user, rights = self.place("registry.user"), "~openvnet:* &openvnet:* +@all"
            return f"{user} may not do what vnmgr does there ({words}); its ACL needs {rights}"
        if isinstance(error, AuthenticationError):
            if self.told.password is None:
                return f"{self.place('registry')}.password is not set, and Redis wants one"
            said = self.place("registry.password")
            if self.told.user is not None:
                said = f"{self.place('registry.user')} {self.told.user} or its registry.password"
            return f"{said} is not what Redis knows ({words})"
        if self.told.tls and ("SSL" in words or "certificate" in words):
            return f"{self.place('registry.tls')}: {words}"
        return ""


def told_registry(configuration: Configuration[Vnmgr]) -> Registry | None:
    """The Redis that the files name, if they do; raise ConfigurationError."""
    if not any(key.startswith("registry") for key in configuration.places):
        return None
    told = configuration.common.registry
    if told.user is not None and told.password is None:
        raise ConfigurationError(
            f"{configuration.place('registry.user')} {told.user} needs a registry.password, too."
        )
    if told.ca is not None:
        _check_authority(configuration.place("registry.ca"), told)
    return Registry(told, configuration.place)


def _check_authority(place: str, told: LiveNodes) -> None:
    if not told.tls:
        raise ConfigurationError(f"{place} is of no use without `tls true`.")
    try:
        ssl.create_default_context(cafile=told.ca)
    except ssl.SSLError:
        raise ConfigurationError(f"{place} {told.ca} has no certificate in PEM.") from None
    except OSError as error:
        raise ConfigurationError(f"{place} {told.ca}: {error.strerror}.") from None
