"""What an update of Telegram means: a customer's message, a pressed button, a group, or nothing for us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from telegram import CallbackQuery, ChatMemberUpdated, InlineKeyboardMarkup, Message, Update, User
from telegram.constants import ChatMemberStatus, ChatType

from bot.channels.channel import Proof, ProofKind
from bot.channels.incoming import MAX_TEXT_CHARACTERS, clean
from bot.channels.received_files import announced
from bot.channels.telegram.files import ALBUM_KEY, received_files
from bot.dialogue.messages import JSON, UserMessage

NAME = "telegram"
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
# An edit corrects what was just said; one of an old message would be answered out of nowhere.
MAX_EDIT_AGE_S = 15 * 60
# What `Identities.invitation` makes.
_INVITATION = re.compile(r"/start(?:@\w+)? ([A-Za-z0-9_-]{43})")
_NOT_THERE = (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)


@dataclass(frozen=True, slots=True)
class Written:
    """The customer wrote; `messages` are to be answered in their order.

    `name` is what Telegram calls her, `proofs` are what Telegram has checked.
    """

    messages: tuple[UserMessage, ...]
    name: str | None = None
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Pressed:
    """The customer pressed a button; `query_id` is to be answered, so that the button stops to spin.

    `button` is the same for each press of one button below one message.
    """

    message: UserMessage
    query_id: str
    button: str


@dataclass(frozen=True, slots=True)
class AddedToGroup:
    """Somebody took the bot into a group."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Nothing to answer, and why."""

    reason: str


Meaning = Written | Pressed | AddedToGroup | PassedOver


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads updates for the bot with the number `bot_id`."""

    bot_id: str
    knows_intent: Callable[[str], bool]

    def read(self, update: Update) -> Meaning:
        """Say what an update means; no update raises."""
        message = update.message or update.edited_message
        if message is not None:
            return self._message(message)
        if update.callback_query is not None:
            return self._press(update.callback_query)
        if update.my_chat_member is not None:
            return _membership(update.my_chat_member)
        return PassedOver("a kind of update that was not asked for")

    def _message(self, message: Message) -> Meaning:
        author = message.from_user
        if message.chat.type != ChatType.PRIVATE:
            return PassedOver("not a private chat")
        if author is None or author.is_bot:
            return PassedOver("not written by a person")
        edited_after_s = (message.edit_date - message.date).total_seconds() if message.edit_date else 0.0
        if edited_after_s > MAX_EDIT_AGE_S:
            return PassedOver("an old message was edited")
        if message.edit_date and message.location:
            return PassedOver("a live location moved")
        text, files = _text(message), received_files(message)
        if not text and (not files or message.edit_date):
            return PassedOver("nothing was said in it")
        metadata = _metadata(message.message_id, author)
        if message.edit_date:
            # The file beside the words came with the first message.
            metadata["edited"] = True
        else:
            metadata = announced(metadata, files)
            if message.media_group_id:
                metadata[ALBUM_KEY] = message.media_group_id
        # The same text under the same number is the same message: edits that change other things are none.
        content = "\n".join((text, *(file.unique_id for file in files)))
        said = self._user_message(message.chat.id, f"{message.message_id}.{_digest(content)}", text, metadata)
        messages = self._command(said) if message.text and text.startswith("/") else (said,)
        return Written(messages, author.full_name, _proofs(message, author))

    def _press(self, query: CallbackQuery) -> Meaning:
        shown = query.message
        if shown is None or not query.data:
            return PassedOver("a button of a message that is not ours")
        if shown.chat.type != ChatType.PRIVATE:
            return PassedOver("not a private chat")
        metadata = _metadata(shown.message_id, query.from_user)
        keyboard = shown.reply_markup if isinstance(shown, Message) else None
        title = _title(keyboard, query.data)
        if title:
            metadata["title"] = title
        message = self._user_message(shown.chat.id, f"press.{query.id}", query.data, metadata)
        return Pressed(message, query.id, f"{shown.chat.id}.{shown.message_id}.{query.data}")

    def _command(self, message: UserMessage) -> tuple[UserMessage, ...]:
        """Put a command into words that the model knows.

        Follows Rasa where it goes on with `/start` after `/restart`, if the model has such an intent.
        """
        command, _, rest = message.text.partition(" ")
        command = command.partition("@")[0]
        if command == "/start":
            # The word behind a link https://t.me/<bot>?start=<word>.
            linked = {**message.metadata, "deep_link": rest.strip()} if rest.strip() else message.metadata
            known = next((name for name in ("start", "greet") if self.knows_intent(name)), "start")
            return (replace(message, text=f"/{known}", metadata=linked),)
        if command == "/help" and not self.knows_intent("help"):
            return (replace(message, text="help"),)
        restarted = replace(message, text=f"{command} {rest}".strip())
        if command == "/restart" and self.knows_intent("start"):
            return (restarted, replace(message, text="/start", message_id=f"{message.message_id}.start"))
        return (restarted,)

    def _user_message(
        self, chat_id: int, external_id: str, text: str, metadata: dict[str, JSON]
    ) -> UserMessage:
        # Another bot counts from 1 again, and may go on with the conversations of this one.
        return UserMessage(text, str(chat_id), NAME, f"{self.bot_id}.{external_id}", metadata)


def _metadata(message_id: int, author: User) -> dict[str, JSON]:
    metadata: dict[str, JSON] = {"telegram": {"message_id": message_id}}
    if author.language_code:
        metadata["locale"] = author.language_code
    return metadata


def _text(message: Message) -> str:
    """Return what was said; a place as Rasa writes it, a contact as her number, a sticker as its emoji."""
    if message.location:
        place = message.location
        return f'{{"lng":{place.longitude}, "lat":{place.latitude}}}'
    if message.contact:
        return message.contact.phone_number
    sticker = message.sticker.emoji if message.sticker else None
    return clean(message.text or message.caption or sticker or "").strip()[:MAX_TEXT_CHARACTERS]


def _proofs(message: Message, author: User) -> tuple[Proof, ...]:
    """A contact that is the author's own carries the number that she is known to Telegram by.

    A link `https://t.me/<bot>?start=<word>` may carry an invitation from another channel.
    """
    invitation = _INVITATION.fullmatch(message.text or "")
    if invitation is not None:
        return (Proof(ProofKind.INVITATION, invitation[1]),)
    contact = message.contact
    if contact is None or contact.user_id != author.id:
        return ()
    number = contact.phone_number
    return (Proof(ProofKind.PHONE, number if number.startswith("+") else f"+{number}"),)


def _title(keyboard: InlineKeyboardMarkup | None, data: str) -> str | None:
    """Return what stands on the button that carries `data`."""
    rows = keyboard.inline_keyboard if keyboard else ()
    return next((key.text for row in rows for key in row if key.callback_data == data), None)


def _membership(change: ChatMemberUpdated) -> Meaning:
    if change.chat.type == ChatType.PRIVATE:
        return PassedOver(f"the bot is now {change.new_chat_member.status} for a customer")
    joined = change.old_chat_member.status in _NOT_THERE and change.new_chat_member.status not in _NOT_THERE
    if joined and change.chat.type != ChatType.CHANNEL:
        return AddedToGroup(change.chat.id)
    return PassedOver("a change in a group")


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]
