"""Files that come with a message are kept before its turn; what cannot be had holds nothing up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.channels.received_files import FetchFailed, ReceivedFile, announced, with_files
from bot.dialogue.messages import UserMessage
from tests.channels.memory_files import MemoryFiles
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import ScriptedProcessor

BILL = ReceivedFile("file", "place-1", "u1", "bill.txt", 5)
PHOTO = ReceivedFile("photo", "place-2", "u2", None, 5)


class Peer:
    """Gives out what it has, after as many failures as it should."""

    def __init__(self, failures: int = 0, content: bytes = b"hello") -> None:
        self.failures = failures
        self.content = content
        self.pauses: list[float] = []

    async def fetch(self, file: ReceivedFile) -> AsyncIterator[bytes]:
        """Give the bytes."""
        if self.failures:
            self.failures -= 1
            raise FetchFailed(file.place)
        yield self.content

    async def sleep(self, pause_s: float) -> None:
        """Note a pause."""
        self.pauses.append(pause_s)


def message(text: str, *files: ReceivedFile) -> UserMessage:
    """Return an accepted message with files."""
    return UserMessage(text, "mia", "telegram", "m1", announced({"locale": "en"}, files))


async def completed(
    peer: Peer, given: UserMessage, *, files: MemoryFiles | None = None, intents: tuple[str, ...] = ()
) -> UserMessage:
    """Complete a message."""
    parts = MemoryQueue(ScriptedProcessor()).parts(intents=intents, files=files or MemoryFiles())
    return await with_files(given, parts, peer.fetch, sleep=peer.sleep)


async def test_a_message_without_files_stays_as_it_is() -> None:
    """Nothing is asked for."""
    given = message("hello")
    assert await completed(Peer(failures=99), given) is given


async def test_files_are_kept_and_named() -> None:
    """The message carries them in the one form that all channels have; what was announced is gone."""
    files = MemoryFiles()
    done = await completed(Peer(), message("look", BILL, PHOTO), files=files)
    assert done.text == "look"
    assert done.metadata == {
        "locale": "en",
        "attachments": [
            {"id": "id-1", "name": "bill.txt", "type": "text/plain", "size": 5},
            {"id": "id-2", "name": "photo", "type": "text/plain", "size": 5},
        ],
    }
    assert set(files.kept) == {("telegram", "mia", "m1.u1"), ("telegram", "mia", "m1.u2")}


@pytest.mark.parametrize(
    ("intents", "text"),
    [pytest.param(("send_file",), "/send_file", id="known"), pytest.param((), "bill.txt", id="unknown")],
)
async def test_a_file_without_words_says_that_it_is_one(intents: tuple[str, ...], text: str) -> None:
    """The model's own intent for it is used where there is one, else its name."""
    assert (await completed(Peer(), message("", BILL), intents=intents)).text == text


async def test_a_peer_that_fails_for_a_moment_is_asked_again() -> None:
    """Between attempts it is left alone for longer each time."""
    peer = Peer(failures=2)
    done = await completed(peer, message("", BILL))
    assert "attachments" in done.metadata
    assert peer.pauses == [1.0, 4.0]


@pytest.mark.parametrize(
    ("peer", "given", "broken"),
    [
        pytest.param(Peer(failures=9), BILL, None, id="the peer has it no more"),
        pytest.param(Peer(content=b"\xff\xd8"), BILL, None, id="of a type that is not kept"),
        pytest.param(Peer(), ReceivedFile("file", "p", "u", "bill.txt", 2000), None, id="too large"),
        pytest.param(Peer(), BILL, OSError("disk full"), id="no room for it"),
    ],
)
async def test_a_file_that_cannot_be_kept_leaves_its_name(
    peer: Peer, given: ReceivedFile, broken: Exception | None
) -> None:
    """The message is handled all the same, and pretends to no file."""
    files = MemoryFiles()
    files.broken = broken
    done = await completed(peer, message("", given), files=files, intents=("send_file",))
    assert (done.text, done.metadata) == ("bill.txt", {"locale": "en"})
