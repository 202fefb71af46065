"""Where a Redis server is, in Rasa's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Rasa's keys for a Redis server; `url` is another name for `host`, or a whole `redis://…` address.

    `key_prefix` goes before all keys, so that several assistants can share a database.
    """

    url: str | None = None
    host: str = "localhost"
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    use_ssl: bool = False
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_ca_certs: str | None = None
    key_prefix: str | None = None
    socket_timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.key_prefix and not self.key_prefix.isalnum():
            raise SettingsError(f"key_prefix is {self.key_prefix!r}, expected letters and digits only")
        if self.url and "://" in self.url and self.url.partition("://")[0] not in ("redis", "rediss", "unix"):
            raise SettingsError(f"url is {self.url!r}, expected a host, redis://…, rediss://… or unix://…")

    @property
    def place(self) -> str:
        """The server's name in messages, without a password."""
        if self.url and "://" in self.url:
            return "redis at " + self.url.rpartition("@")[2].removeprefix("redis://")
        return f"redis at {self.url or self.host}:{self.port}/{self.db}"

    def key(self, name: str) -> str:
        """Return a key with the prefix before it."""
        return f"{self.key_prefix}:{name}" if self.key_prefix else name

    def connect(self, client: Any, retry: Any) -> Any:
        """Return a client of redis-py's class `client`; it connects when it is first used."""
        limits = {
            "socket_timeout": self.socket_timeout,
            "socket_connect_timeout": self.socket_timeout,
            "retry": retry,
        }
        if self.url and "://" in self.url:
            return client.from_url(self.url, **limits)
        secure = {
            "ssl": True,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
            "ssl_ca_certs": self.ssl_ca_certs,
        }
        return client(
            host=self.url or self.host,
            port=self.port,
            db=self.db,
            username=self.username,
            password=self.password,
            **limits,
            **(secure if self.use_ssl else {}),
        )
