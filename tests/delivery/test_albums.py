"""An album that comes in pieces from Telegram is one turn, with all its pictures."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.telegram import TOKEN, TelegramPeer
from bot.delivery.queues import DurableQueues
from bot.server.app import create_app
from bot.server.parts import ServerParts
from crm_connector.database import Store
from tests.channels.in_loop import served, until
from tests.channels.memory_files import MemoryFiles
from tests.channels.scripted import ScriptedProcessor
from tests.delivery.peers import Echo
from tests.server.factories import NamedModel, SwitchedStore

MIA = 5501234567
SECRET = "a-secret-of-this-test"
NAMES = ("left.txt", "right.txt", "label.txt")


async def test_an_album_is_answered_once(store: Store) -> None:
    """Three pictures, of which the second has the caption, and a word after them: two answers, in order."""
    echo, files = Echo(), MemoryFiles()
    queues = DurableQueues(store, echo)
    parts = replace(ScriptedProcessor().parts(), inbox=queues.inbox, outbox=queues.outbox, files=files)
    async with TelegramPeer(files={name: name.encode() for name in NAMES}) as peer:
        section = {
            "access_token": TOKEN,
            "api_url": peer.url,
            "webhook_url": "https://shop.example",
            "secret_token": SECRET,
        }
        app = create_app(
            ServerParts(parts, NamedModel(), SwitchedStore(), queues=queues), {"telegram": section}
        )
        async with served(app) as url:
            peer.hosts["shop.example"] = url
            await until(lambda: peer.webhook.get("url"), "the webhook is opened")
            for name in NAMES:
                document = {"file_id": name, "file_unique_id": f"u-{name}", "file_name": name}
                caption = {"caption": "They came like this"} if name == NAMES[1] else {}
                picture = peer.message(MIA, document=document, media_group_id="135", **caption)
                await peer.bring({"message": picture})
            await peer.write(MIA, "what now?")
            await peer.all_posted()
            await until(lambda: len(peer.said_to(MIA)) == 2, "both are answered")
    assert peer.said_to(MIA) == ["You said: They came like this", "You said: what now?"]
    assert [name for name, _ in files.kept.values()] == list(NAMES)
    assert [file["name"] for file in echo.handled[0].metadata["attachments"]] == list(NAMES)
