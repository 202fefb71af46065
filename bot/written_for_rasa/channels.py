"""Channels: what they inherit from, and what passes between them and the bot."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn

from bot.dialogue.messages import JSON
from bot.written_for_rasa.errors import RasaException


class UserMessage:
    """What came in, with the channel that the answers go to."""

    def __init__(  # noqa: PLR0913 - Rasa's signature
        self,
        text: str | None = None,
        output_channel: OutputChannel | None = None,
        sender_id: str | None = None,
        parse_data: dict[str, JSON] | None = None,
        input_channel: str | None = None,
        message_id: str | None = None,
        metadata: dict[str, JSON] | None = None,
    ) -> None:
        self.text = text.strip() if text else text
        self.output_channel = CollectingOutputChannel() if output_channel is None else output_channel
        self.sender_id = "default" if sender_id is None else str(sender_id)
        self.parse_data = parse_data
        self.input_channel = input_channel
        self.message_id = uuid.uuid4().hex if message_id is None else str(message_id)
        self.metadata = metadata


class InputChannel:
    """Takes messages in by a Sanic blueprint; a subclass says which."""

    @classmethod
    def name(cls) -> str:
        """Name in paths and in `input_channel`."""
        return cls.__name__

    @classmethod
    def from_credentials(cls, credentials: dict[str, JSON] | None) -> InputChannel:  # noqa: ARG003 (theirs)
        """Make a channel of its section in `credentials.yml`."""
        return cls()

    def url_prefix(self) -> str:
        """Where it stands below `/webhooks/`."""
        return self.name()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Any:
        """Return the routes."""
        raise NotImplementedError(f"{type(self).__name__} has no method 'blueprint'")

    @classmethod
    def raise_missing_credentials_exception(cls) -> NoReturn:
        """Say that the section is empty or lacks a setting."""
        raise RasaException(f"channel '{cls.name()}' needs settings in credentials.yml")

    def get_output_channel(self) -> OutputChannel | None:
        """Return what can write to a customer who has not just asked; None where nothing can."""
        return None

    def get_metadata(self, request: Any) -> dict[str, JSON] | None:  # noqa: ARG002 (theirs)
        """Return what else a request tells."""
        return None


class OutputChannel:
    """Sends what the bot says; all but plain text has a default in words."""

    @classmethod
    def name(cls) -> str:
        """Name that variations of responses may be written for."""
        return cls.__name__

    async def send_response(self, recipient_id: str, message: dict[str, JSON]) -> None:
        """Send one utterance, part by part; every method hears of the parts after its own."""
        if message.get("quick_replies"):
            text, replies = message.pop("text"), message.pop("quick_replies")
            await self.send_quick_replies(recipient_id, text, replies, **message)
        elif message.get("buttons"):
            text, buttons = message.pop("text"), message.pop("buttons")
            await self.send_text_with_buttons(recipient_id, text, buttons, **message)
        elif message.get("text"):
            await self.send_text_message(recipient_id, message.pop("text"), **message)
        senders: dict[str, Callable[..., Awaitable[None]]] = {
            "custom": self.send_custom_json,
            "image": self.send_image_url,
            "attachment": self.send_attachment,
            "elements": self.send_elements,
        }
        for part, send in senders.items():
            if message.get(part):
                await send(recipient_id, message.pop(part), **message)

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Send a text."""
        raise NotImplementedError(f"{type(self).__name__} has no method 'send_text_message'")

    async def send_image_url(self, recipient_id: str, image: str, **kwargs: Any) -> None:  # noqa: ARG002
        """Send a picture; by default its address."""
        await self.send_text_message(recipient_id, f"Image: {image}")

    async def send_attachment(self, recipient_id: str, attachment: JSON, **kwargs: Any) -> None:  # noqa: ARG002
        """Send a file; by default what is known of it."""
        await self.send_text_message(recipient_id, f"Attachment: {attachment}")

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[dict[str, JSON]], **kwargs: Any
    ) -> None:
        """Send a text with buttons; by default each is a text of its own, with its number."""
        del kwargs
        await self.send_text_message(recipient_id, text)
        for number, button in enumerate(buttons, start=1):
            await self.send_text_message(recipient_id, _in_words(number, button))

    async def send_quick_replies(
        self, recipient_id: str, text: str, quick_replies: list[dict[str, JSON]], **kwargs: Any
    ) -> None:
        """Send quick replies; by default as buttons."""
        del kwargs
        await self.send_text_with_buttons(recipient_id, text, quick_replies)

    async def send_elements(
        self,
        recipient_id: str,
        elements: Iterable[dict[str, JSON]],
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Send cards; by default their words and buttons."""
        for element in elements:
            words = f"{element.get('title', '')} : {element.get('subtitle', '')}"
            await self.send_text_with_buttons(recipient_id, words, element.get("buttons", []))

    async def send_custom_json(self, recipient_id: str, json_message: JSON, **kwargs: Any) -> None:  # noqa: ARG002
        """Send what only this channel understands; by default as text."""
        await self.send_text_message(recipient_id, json.dumps(json_message))


class CollectingOutputChannel(OutputChannel):
    """Keeps what the bot says in `messages`, for channels that answer the request itself."""

    def __init__(self) -> None:
        self.messages: list[dict[str, JSON]] = []

    @classmethod
    def name(cls) -> str:
        """Rasa's name for it."""
        return "collector"

    def latest_output(self) -> dict[str, JSON] | None:
        """Return the last message."""
        return self.messages[-1] if self.messages else None

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep each paragraph by itself."""
        for part in text.strip().split("\n\n"):
            self._keep(recipient_id, text=part)

    async def send_image_url(self, recipient_id: str, image: str, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep a picture."""
        self._keep(recipient_id, image=image)

    async def send_attachment(self, recipient_id: str, attachment: JSON, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep a file."""
        self._keep(recipient_id, attachment=attachment)

    async def send_text_with_buttons(
        self,
        recipient_id: str,
        text: str,
        buttons: list[dict[str, JSON]],
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Keep a text with its buttons."""
        self._keep(recipient_id, text=text, buttons=buttons)

    async def send_custom_json(self, recipient_id: str, json_message: JSON, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep what only the other end understands."""
        self._keep(recipient_id, custom=json_message)

    def _keep(self, recipient_id: str, **parts: JSON) -> None:
        kept = {name: part for name, part in parts.items() if part is not None}
        self.messages.append({"recipient_id": recipient_id, **kept})


def _in_words(number: int, button: Mapping[str, JSON]) -> str:
    more = {key: value for key, value in button.items() if key not in ("title", "payload")}
    payload = f" ({button['payload']})" if "payload" in button else ""
    details = f" - {json.dumps(more, sort_keys=True)}" if more else ""
    return f"{number}: {button.get('title', '')}{payload}{details}"
