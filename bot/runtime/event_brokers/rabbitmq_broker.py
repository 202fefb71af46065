"""Events to RabbitMQ, through the fan-out exchange and the durable queues that Rasa declares."""

from __future__ import annotations

import json
import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from bot.runtime.event_brokers.publisher import BrokerUnavailable
from bot.runtime.optional_library import require

logger = logging.getLogger(__name__)

CERTIFICATE = "RABBITMQ_SSL_CLIENT_CERTIFICATE"
KEY = "RABBITMQ_SSL_CLIENT_KEY"
ENVIRONMENT = "RASA_ENVIRONMENT"

CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class RabbitMqOptions:
    """`event_broker: {type: pika}`, with Rasa's keys.

    `url` is a host or an `amqp://` or `amqps://` address, whose own user and port win over the others.
    The last four keys are Rasa's; here events always wait and are always sent again.
    """

    url: str = "localhost"
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    port: int = 5672
    queues: tuple[str, ...] = ("rasa_core_events",)
    exchange_name: str = "rasa-exchange"
    connection_attempts: int = 20
    retry_delay_in_seconds: float = 5
    should_keep_unpublished_messages: bool = True
    raise_on_failure: bool = False

    def __post_init__(self) -> None:
        scheme, found, _ = self.url.partition("://")
        if found and scheme not in ("amqp", "amqps"):
            raise SettingsError(f"url is {self.url!r}, expected a host, amqp://… or amqps://…")

    def open_broker(self, root: Path) -> RabbitMqBroker:  # noqa: ARG002 (nothing lies beside the project)
        """Return the broker; it connects when the first event comes.

        Raises:
            SettingsError: The library is missing, or a certificate cannot be read.
        """
        require("pika", extra="rabbitmq", purpose="event_broker of type pika")
        return RabbitMqBroker(self)


class RabbitMqBroker:
    """A connection that confirms each event; a broken one is replaced with the next event."""

    def __init__(self, options: RabbitMqOptions) -> None:
        import pika  # noqa: PLC0415 (an extra, needed only where it is configured)

        self._options = options
        self._parameters = _parameters(pika, options)
        self._properties = pika.BasicProperties(
            app_id=os.environ.get(ENVIRONMENT), delivery_mode=pika.DeliveryMode.Persistent.value
        )
        self._connection: Any = None
        self._channel: Any = None

    def send(self, event: Mapping[str, JSON]) -> None:
        """Publish one event and wait for the confirmation; see `EventBroker.send`."""
        from pika.exceptions import AMQPError  # noqa: PLC0415 (as above)

        body = json.dumps(event).encode()
        try:
            if self._channel is None or not self._channel.is_open:
                self._connect()
            self._channel.basic_publish(self._options.exchange_name, "", body, self._properties)
        except (AMQPError, OSError) as error:
            self.close()
            place = f"{self._parameters.host}:{self._parameters.port}"
            raise BrokerUnavailable(f"RabbitMQ at {place} took no event: {error!r}") from error

    def stay_alive(self) -> None:
        """Answer the server's heartbeats."""
        from pika.exceptions import AMQPError  # noqa: PLC0415 (as above)

        if self._connection is None:
            return
        try:
            self._connection.process_data_events(time_limit=0)
        except (AMQPError, OSError):
            self.close()

    def close(self) -> None:
        """Close the connection."""
        from pika.exceptions import AMQPError  # noqa: PLC0415 (as above)

        connection, self._connection, self._channel = self._connection, None, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except (AMQPError, OSError) as error:
            logger.debug("the connection to RabbitMQ broke while it was closed: %r", error)

    def _connect(self) -> None:
        import pika  # noqa: PLC0415 (as above)

        self.close()
        self._connection = pika.BlockingConnection(self._parameters)
        channel = self._connection.channel()
        channel.exchange_declare(self._options.exchange_name, exchange_type="fanout")
        for queue in self._options.queues:
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, self._options.exchange_name, routing_key="")
        channel.confirm_delivery()
        self._channel = channel


def _parameters(pika: Any, options: RabbitMqOptions) -> Any:
    address = urlsplit(options.url if "://" in options.url else f"amqp://{options.url}")
    is_secure = address.scheme == "amqps"
    host = address.hostname or "localhost"
    return pika.ConnectionParameters(
        host=host,
        port=address.port or (5671 if is_secure and options.port == 5672 else options.port),
        virtual_host=unquote(address.path[1:]) or "/",
        credentials=pika.PlainCredentials(
            unquote(address.username or options.username), unquote(address.password or options.password)
        ),
        ssl_options=_tls(pika, host, is_secure=is_secure),
        connection_attempts=1,
        socket_timeout=CONNECT_TIMEOUT_S,
        blocked_connection_timeout=CONNECT_TIMEOUT_S,
    )


def _tls(pika: Any, host: str, *, is_secure: bool) -> Any:
    """Return TLS with the client's certificate from the environment, None for a plain connection."""
    certificate, key = os.environ.get(CERTIFICATE), os.environ.get(KEY)
    if not is_secure and not (certificate and key):
        return None
    context = ssl.create_default_context()
    if certificate and key:
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"{CERTIFICATE} and {KEY} cannot be used: {error}") from error
    return pika.SSLOptions(context, host)
