"""The demo assistant on Telegram and Slack, in both languages: answered there by the bot and by a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from benchmarks.peers.slack import APP_TOKEN, BOT, SIGNING_SECRET, SlackPeer
from benchmarks.peers.slack import TOKEN as SLACK_TOKEN
from benchmarks.peers.telegram import TOKEN as TELEGRAM_TOKEN
from benchmarks.peers.telegram import TelegramPeer
from crm_connector import agents, conversations, database, ownership
from crm_connector.tables import Agent, Conversation
from tests.integration.demo import ROOT, ServedDemo

MIA, WEI = 5501234567, 5507654321
LIMIT_S = 60


@asynccontextmanager
async def served(
    models: Path, crm_url: str, folder: Path, credentials: dict[str, Any]
) -> AsyncIterator[ServedDemo]:
    """Serve the demo with these channels, in a process of its own."""
    (folder / "endpoints.yml").write_text("action_endpoint: {package: actions}\n")
    (folder / "actions").symlink_to(ROOT / "actions")
    (folder / "credentials.yml").write_text(json.dumps(credentials))
    demo = ServedDemo(models, crm_url, project=folder)
    await asyncio.to_thread(demo.start)
    try:
        yield demo
    finally:
        await asyncio.to_thread(demo.__exit__, None, None, None)


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not condition():  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never happened: {what}")


class Person:
    """Somebody at the desk, in the CRM that the server uses."""

    def __init__(self, crm_url: str, sender_id: str) -> None:
        self._store = database.open(crm_url)
        self._sender_id = sender_id

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @contextmanager
    def _at_work(self) -> Iterator[tuple[Session, Conversation, Agent]]:
        with self._store.session() as session:
            found = conversations.find(session, self._sender_id)
            assert found is not None
            yield session, found, agents.find_or_create(session, "ines@lumen.example", name="Ines")

    def heard(self, text: str) -> bool:
        """Whether the customer's words are in the transcript."""
        with self._at_work() as (session, conversation, _):
            return any(text in line.text for line in conversations.transcript(session, conversation))

    def take(self) -> None:
        """Take the waiting conversation: from now on the bot is silent."""
        with self._at_work() as (session, conversation, agent):
            assert ownership.claim(session, conversation, agent)

    def answer(self, text: str) -> None:
        """Say something."""
        with self._at_work() as (session, conversation, agent):
            assert ownership.reply(session, conversation, agent, text, key=text)

    def hand_back(self) -> None:
        """Give the conversation back to the bot."""
        with self._at_work() as (session, conversation, agent):
            assert ownership.hand_back(session, conversation, agent)


async def test_the_demo_on_telegram(models: Path, crm_url: str, tmp_path: Path) -> None:
    """Greeting, buttons, cards, Chinese, a person who answers while the bot is silent, and the bot again."""
    async with TelegramPeer() as peer:
        credentials = {"telegram": {"access_token": TELEGRAM_TOKEN, "api_url": peer.url}}
        async with served(models, crm_url, tmp_path, credentials):
            said = peer.said_to
            await peer.write(MIA, "/start")
            await until(lambda: any(sent.keys for sent in peer.sent), "the bot greets with buttons")
            assert "automated assistant" in said(MIA)[0]
            greeting = next(sent for sent in peer.sent if sent.keys)
            [title] = [key["text"] for key in greeting.keys if key["callback_data"] == "/order_status"]
            await peer.press(greeting, title)
            await until(lambda: "Which order" in said(MIA)[-1], "the bot asks for the number")

            await peer.write(WEI, "推荐一款台灯")
            await until(lambda: any("<b>1. " in text for text in said(WEI)), "the bot recommends lamps")
            assert "自动" in said(WEI)[0]

            await peer.write(MIA, "I want to talk to a human")
            await until(lambda: "asked for a person" in said(MIA)[-1], "the bot hands over")
            before = len(said(MIA))
            with Person(crm_url, str(MIA)) as ines:
                ines.take()
                await peer.write(MIA, "is anybody there?")
                await until(lambda: ines.heard("is anybody there?"), "the words are stored")
                ines.answer("This is Ines, how can I help?")
                await until(lambda: len(said(MIA)) > before, "the person's answer arrives")
                assert said(MIA)[before:] == ["This is Ines, how can I help?"]
                ines.hand_back()
            await peer.write(MIA, "thank you")
            await until(lambda: len(said(MIA)) > before + 1, "the bot answers again")
            assert [method for method, _ in peer.requests if method == "sendChatAction"]


@pytest.mark.parametrize("way", ["posted", "socket"])
async def test_the_demo_on_slack(models: Path, crm_url: str, tmp_path: Path, way: str) -> None:
    """Direct messages, a thread, buttons, Chinese, and a person's answer, over HTTP and over a socket."""
    async with SlackPeer(retry_pauses_s=(0.1, 0.5, 2.0)) as peer:
        section = {"slack_token": SLACK_TOKEN, "api_url": peer.url, "slack_signing_secret": SIGNING_SECRET}
        if way == "socket":
            section["slack_app_token"] = APP_TOKEN
        async with served(models, crm_url, tmp_path, {"slack": section}) as demo:
            if way == "socket":
                await peer.connected()
            else:
                peer.events_url = f"{demo.url}/webhooks/slack/webhook"
            await peer.write("U0MIA0001", "hello")
            await until(lambda: any(post.elements for post in peer.posted), "the bot greets with buttons")
            greeting = next(post for post in peer.posted if post.elements)
            [title] = [key["text"]["text"] for key in greeting.elements if key["value"] == "/order_status"]
            await peer.press(greeting, title, "U0MIA0001")
            await until(lambda: "Which order" in peer.said_in("D0MIA0001")[-1], "the bot asks for the number")

            event = await peer.write("U0WEI0001", f"<@{BOT}> 推荐一款台灯", channel="C0SHOP001")
            thread = ("C0SHOP001", event["ts"])
            await until(lambda: any("1. " in text for text in peer.said_in(*thread)), "the bot recommends")
            assert "自动" in peer.said_in(*thread)[0]

            more = {"channel": "C0SHOP001", "thread_ts": event["ts"]}
            await peer.write("U0WEI0001", "转人工", **more)
            await until(lambda: "转人工" in peer.said_in(*thread)[-1], "the bot hands over")
            before = len(peer.said_in(*thread))
            with Person(crm_url, f"U0WEI0001_C0SHOP001_{event['ts']}") as ines:
                ines.take()
                await peer.write("U0WEI0001", "有人吗", **more)
                await until(lambda: ines.heard("有人吗"), "the words are stored")
                ines.answer("我是 Ines，请讲。")
                await until(lambda: len(peer.said_in(*thread)) > before, "the person's answer arrives")
                assert peer.said_in(*thread)[before:] == ["我是 Ines，请讲。"]
            assert peer.lost == []
