"""What an event or a pressed button of Slack's means: a customer's message, or nothing for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.incoming import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS, clean
from bot.channels.received_files import ReceivedFile, announced
from bot.channels.slack.place import Place, sender_id_of
from bot.channels.slack.settings import Granularity, SlackSettings
from bot.channels.slack.words import plain_words
from bot.dialogue.messages import JSON, UserMessage

NAME = "slack"
# An edit corrects what was just said; one of an old message would be answered out of nowhere.
MAX_EDIT_AGE_S = 15 * 60
Body = Mapping[str, JSON]
_WRITTEN = (None, "file_share", "thread_broadcast", "me_message")


@dataclass(frozen=True, slots=True)
class Written:
    """A customer wrote, or pressed a button.

    `is_addressed` is False where it is for the bot only if she talks with it already. `button` is the same
    for each press of one button below one message.
    """

    message: UserMessage
    is_addressed: bool = True
    button: str | None = None


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Nothing to answer, and why."""

    reason: str


Meaning = Written | PassedOver


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what Slack posts; `bot_id` is the app's own user, for events that do not say it."""

    settings: SlackSettings
    bot_id: str | None = None

    def read_event(self, body: Body) -> Meaning:
        """Say what an event means.

        Raises:
            ValueError: It has not the form of Slack's events.
        """
        try:
            return self._event(body)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an event of Slack's: {error!r}") from error

    def read_action(self, body: Body) -> Meaning:
        """Say what the use of a button or a menu means; Rasa's values are taken, the first action counts.

        Raises:
            ValueError: It has not the form of Slack's interactions.
        """
        try:
            return self._action(body)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not an interaction of Slack's: {error!r}") from error

    def _event(self, body: Body) -> Meaning:
        event = body["event"]
        if event["type"] not in ("message", "app_mention"):
            return PassedOver("a kind of event that is not answered")
        subtype = event.get("subtype")
        if subtype == "message_changed":
            return self._edit(body, event)
        if subtype not in _WRITTEN:
            return PassedOver("not written by a person")
        return self._written(body, event, event, f"{event['channel']}.{event['ts']}")

    def _edit(self, body: Body, event: Body) -> Meaning:
        message, edited = event["message"], event["message"].get("edited")
        if edited is None or message.get("text") == (event.get("previous_message") or {}).get("text"):
            return PassedOver("no words were changed")
        if float(edited["ts"]) - float(message["ts"]) > MAX_EDIT_AGE_S:
            return PassedOver("an old message was edited")
        external_id = f"{event['channel']}.{message['ts']}.edited.{edited['ts']}"
        return self._written(body, event, message, external_id)

    def _written(self, body: Body, event: Body, message: Body, external_id: str) -> Meaning:
        user, bot_id = message.get("user"), _bot_id(body) or self.bot_id
        if message.get("bot_id") or not user or user == bot_id:
            return PassedOver("not written by a person")
        raw = str(message.get("text") or "")
        # The files beside edited words came with the first message.
        is_edit = event is not message
        text, files = plain_words(raw, bot_id)[:MAX_TEXT_CHARACTERS], () if is_edit else _files(message)
        if not text and not files:
            return PassedOver("nothing was said in it")
        is_direct = event.get("channel_type") == "im" or str(event["channel"]).startswith("D")
        own_thread = None if is_direct else message["ts"]
        place = Place(event["channel"], message.get("thread_ts") or own_thread)
        is_mention = event["type"] == "app_mention" or (bot_id is not None and f"<@{bot_id}" in raw)
        metadata = announced(self._metadata(user, place), files)
        if is_edit:
            metadata["edited"] = True
        is_addressed = is_direct or is_mention or event["channel"] == self.settings.slack_channel
        goes_on = message.get("thread_ts") and self.settings.conversation_granularity == Granularity.THREAD
        if not (is_addressed or goes_on):
            return PassedOver("not said to the bot")
        return Written(
            self._user_message(user, place, external_id, text, metadata, is_direct=is_direct), is_addressed
        )

    def _action(self, body: Body) -> Meaning:
        action, user = body["actions"][0], str(body["user"]["id"])
        value = _value(action)
        if not value:
            return PassedOver("a link, or a kind of element that says nothing")
        channel, shown = str(body["channel"]["id"]), body.get("message") or {}
        message_ts = shown.get("ts") or body.get("message_ts") or ""
        is_direct = channel.startswith("D")
        thread_ts = shown.get("thread_ts") or (None if is_direct else message_ts or None)
        place = Place(channel, thread_ts)
        metadata = self._metadata(user, place)
        title = _title(action)
        if title:
            metadata["title"] = title
        button = f"{user}.{channel}.{message_ts}.{action.get('block_id')}.{action.get('action_id')}.{value}"
        pressed_at = action.get("action_ts") or body.get("action_ts") or body.get("trigger_id")
        external_id = f"press.{channel}.{message_ts}.{pressed_at}"[:MAX_ID_CHARACTERS]
        message = self._user_message(user, place, external_id, value, metadata, is_direct=is_direct)
        return Written(message, button=button)

    def _metadata(self, user: str, place: Place) -> dict[str, JSON]:
        thread_ts = place.thread_ts if self.settings.use_threads else None
        return {NAME: {"user": user, "channel": place.channel, "thread_ts": thread_ts}}

    def _user_message(
        self,
        user: str,
        place: Place,
        external_id: str,
        text: str,
        metadata: Mapping[str, JSON],
        *,
        is_direct: bool,
    ) -> UserMessage:
        sender_id = sender_id_of(user, place, self.settings.conversation_granularity, is_direct=is_direct)
        return UserMessage(text, sender_id, NAME, external_id, metadata)


def _bot_id(body: Body) -> str | None:
    """Return the app's own user, as the event names it."""
    for authorization in body.get("authorizations") or ():
        if authorization.get("is_bot"):
            return str(authorization["user_id"])
    return None


def _files(message: Body) -> tuple[ReceivedFile, ...]:
    """Return the files of a message; one that was deleted or lies elsewhere has no address."""
    return tuple(
        ReceivedFile(
            kind="file",
            place=str(file["url_private_download"]),
            unique_id=str(file["id"]),
            name=clean(str(file.get("name") or ""))[:200] or None,
            size_bytes=file.get("size"),
        )
        for file in message.get("files") or ()
        if file.get("url_private_download")
    )


def _value(action: Body) -> str | None:
    """Return what an element says, by Rasa's rules for each type."""
    match action.get("type"):
        case "button":
            found = action.get("value")
        case "static_select" | "external_select" | "overflow" | "radio_buttons":
            found = (action.get("selected_option") or {}).get("value")
        case "select":
            found = (action.get("selected_options") or [{}])[0].get("value")
        case "conversations_select":
            found = action.get("selected_conversation")
        case "users_select":
            found = action.get("selected_user")
        case "channels_select":
            found = action.get("selected_channel")
        case "datepicker":
            found = action.get("selected_date")
        case _:
            found = None
    return clean(str(found)).strip()[:MAX_TEXT_CHARACTERS] if found else None


def _title(action: Body) -> str | None:
    """Return what stood on the element."""
    chosen = action.get("selected_option") or action
    text = chosen.get("text")
    title = text.get("text") if isinstance(text, Mapping) else text
    return clean(str(title))[:MAX_ID_CHARACTERS] if title else None
