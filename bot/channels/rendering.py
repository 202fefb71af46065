"""What the bot said, as the separate messages that go out: the order and the splitting are Rasa's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message on a wire; text (with buttons), custom, image and attachment never share one."""

    text: str | None = None
    buttons: tuple[JSON, ...] | None = None
    custom: JSON = None
    image: str | None = None
    attachment: JSON = None

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form: what is not there is left out."""
        pairs: dict[str, JSON] = {
            "text": self.text,
            "image": self.image,
            "buttons": None if self.buttons is None else list(self.buttons),
            "attachment": self.attachment,
            "custom": self.custom,
        }
        return {key: value for key, value in pairs.items() if value is not None}


def render(utterance: BotUttered) -> list[OutgoingMessage]:
    """Return the messages of one utterance in the order of sending.

    Follows `OutputChannel.send_response` of Rasa 3.6: quick replies or buttons or plain text, then custom,
    image, attachment and elements, each by itself. Plain text is split at blank lines, text with buttons is
    not. Deviation: a part of nothing but white space is no message, where Rasa sends an empty bubble.
    """
    return list(_messages(utterance))


def render_all(utterances: Iterable[BotUttered]) -> list[OutgoingMessage]:
    """Return the messages of several utterances, in order."""
    return [message for utterance in utterances for message in _messages(utterance)]


def _messages(utterance: BotUttered) -> Iterator[OutgoingMessage]:
    data = utterance.data
    buttons = data.get("quick_replies") or data.get("buttons")
    if buttons:
        yield OutgoingMessage(text=utterance.text, buttons=tuple(buttons))
    elif utterance.text:
        yield from (OutgoingMessage(text=part) for part in paragraphs(utterance.text))
    if data.get("custom"):
        yield OutgoingMessage(custom=data["custom"])
    if data.get("image"):
        yield OutgoingMessage(image=data["image"])
    if data.get("attachment"):
        yield OutgoingMessage(attachment=data["attachment"])
    yield from (_element(element) for element in data.get("elements") or ())


def paragraphs(text: str) -> list[str]:
    """Return the parts of a text that Rasa sends one by one: those between blank lines."""
    return [part for part in text.strip().split("\n\n") if part.strip()]


def _element(element: Mapping[str, JSON]) -> OutgoingMessage:
    text = f"{element.get('title', '')} : {element.get('subtitle', '')}"
    return OutgoingMessage(text=text, buttons=tuple(element.get("buttons") or ()))
