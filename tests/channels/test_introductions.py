"""Who writes is told to the CRM, and never at the cost of her message."""

from __future__ import annotations

import pytest

from bot.channels.channel import NotQueued
from bot.channels.introductions import introduce
from bot.dialogue.messages import UserMessage


class Broken(NotQueued):
    """Cannot be told anything."""

    async def prove(self, *_: object, **__: object) -> None:
        """Fail."""
        raise OSError("away")


async def test_a_store_that_fails_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """The message is handled all the same."""
    await introduce(Broken(), UserMessage("hi", "7", "telegram"), [], "Mia")
    assert "customer not noted" in capsys.readouterr().out


async def test_nothing_is_told_of_whom_nothing_is_known() -> None:
    """Without a name and a proof the CRM is left alone."""
    await introduce(Broken(), UserMessage("hi", "7", "telegram"), [], None)
