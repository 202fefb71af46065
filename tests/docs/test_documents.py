"""The documents say what the code does."""

from __future__ import annotations

import inspect
import re
import subprocess
import textwrap
import tomllib
from collections.abc import Callable
from dataclasses import fields

import pytest

from bot.channels.registry import CHANNELS
from bot.channels.slack.settings import SlackSettings
from bot.channels.socketio import SocketIOSettings
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.web_widget.settings import WidgetSettings
from bot.cli.app import app
from bot.nlu.plan import FallbackOptions, LookupOptions, UnderstandingOptions
from bot.policies.registry import POLICIES
from bot.runtime.processor import Processor
from bot.runtime.stores.registry import EVENT_BROKERS, LOCK_STORES, TRACKER_STORES
from bot.settings import ACTION_KEYS
from bot.training_data.yaml_files import parse_yaml
from desk.options import DeskOptions
from language.backbone import CACHE_VARIABLE
from tests.docs.commands import commands, spellings
from tests.docs.tree import ROOT, tree

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def _block(name: str) -> str:
    """Return what stands between the two marks of a block."""
    return ARCHITECTURE.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0]


def test_the_architecture_shows_every_file() -> None:
    """The tree names each file of ours with the first sentence it says of itself."""
    assert _block("tree") == f"```\n{tree()}```\n"


def test_the_architecture_tells_the_steps_of_a_turn() -> None:
    """The steps are those of the docstring of `Processor.handle`, word for word."""
    docstring = inspect.getdoc(Processor.handle) or ""
    steps = "\n".join(line for line in docstring.splitlines() if re.match(r"\d\. ", line))
    assert _block("steps of Processor.handle") == f"```\n{steps}\n```\n"


def test_the_architecture_shows_the_layers() -> None:
    """The layers are those that the import contracts hold."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = [" > ".join(contract["layers"]) for contract in contracts if contract["type"] == "layers"]
    assert _block("layers") == "```\n" + "\n".join(layers) + "\n```\n"


def test_the_readme_shows_the_top_of_the_tree() -> None:
    """Each file and folder that git knows at the top has its line in the README, and no other has one."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {line.split("/")[0] + ("/" if "/" in line else "") for line in listed}
    shown = set(re.findall(r"^([\w.-]+/?) {2,}\S", README, flags=re.MULTILINE))
    assert shown == {name for name in top if not name.startswith(".")}


PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page leads to a file; entity markup in examples only looks like a link."""
    path = ROOT / page
    text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (path.parent / target).exists(), target


def test_the_readme_names_existing_make_targets() -> None:
    """Every `make` command of the README is a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_option_of_the_pipeline_is_documented() -> None:
    """The page for bot developers names each option of our own components."""
    page = (ROOT / "docs" / "bot-developer.md").read_text(encoding="utf-8")
    for options in (UnderstandingOptions, LookupOptions, FallbackOptions):
        for option in fields(options):
            assert f"`{option.name}`" in page, option.name
    for policy in POLICIES:
        assert f"`{policy}`" in page, policy


def test_every_setting_is_documented() -> None:
    """The page for operators names each variable, section and key that the settings know."""
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    source = (ROOT / "bot" / "settings.py").read_text(encoding="utf-8")
    for name in (*re.findall(r'= "((?:FRONTDESK|MAX)_[A-Z_]+)"', source), CACHE_VARIABLE, *ACTION_KEYS):
        assert f"`{name}`" in page, name
    for channel in CHANNELS:
        assert f"`{channel}`" in page, channel
    for setting in (*fields(WidgetSettings), *fields(SocketIOSettings), *fields(DeskOptions)):
        assert f"`{setting.name}`" in page, setting.name


@pytest.mark.parametrize(
    ("heading", "settings"),
    [("Web widget", WidgetSettings), ("Telegram", TelegramSettings), ("Slack", SlackSettings)],
)
def test_every_setting_of_a_channel_is_documented(heading: str, settings: type) -> None:
    """Each of these channels has a heading of its own, with a row for each setting."""
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for setting in fields(settings):
        assert re.search(rf"^\| `{setting.name}`", section, re.MULTILINE), setting.name


def test_every_store_setting_is_documented() -> None:
    """The page for operators names each type of store, lock and broker, its keys, and those refused."""
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    for kinds in (TRACKER_STORES, LOCK_STORES, EVENT_BROKERS):
        assert f"`{kinds.section}`" in page or f"{kinds.section}:" in page, kinds.section
        for name, options in kinds.known.items():
            assert re.search(rf"(`|type: ){name}\b", page, re.IGNORECASE), name
            for setting in fields(options):  # type: ignore[arg-type] # a row is a dataclass
                assert f"`{setting.name}`" in page, setting.name
        for reason in kinds.refused.values():
            assert reason.split()[0] in page, reason
    for source in (ROOT / "bot" / "runtime").rglob("*.py"):
        for name in re.findall(r'^[A-Z_]+ = "([A-Z]+_[A-Z_]+)"', source.read_text("utf-8"), re.MULTILINE):
            assert f"`{name}`" in page, name


@pytest.mark.parametrize(("block", "listed"), [("commands", commands), ("rasa", spellings)])
def test_every_command_and_option_is_listed(block: str, listed: Callable[[], str]) -> None:
    """The page of commands is what the commands say of themselves, and how Rasa's spellings are taken."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page.split(f"<!-- {block} -->\n")[1].split("<!-- end -->")[0] == listed()


def test_every_command_is_documented() -> None:
    """Each `frontdesk` command stands in one of the pages."""
    pages = README + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        assert f"frontdesk {name}" in pages, name


def _examples(heading: str) -> list[str]:
    """Return the YAML of a heading of the page on channels, without the indent of lists."""
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in blocks]


@pytest.mark.parametrize(("heading", "settings"), [("Telegram", TelegramSettings), ("Slack", SlackSettings)])
def test_the_examples_of_a_messenger_are_accepted(
    heading: str, settings: type[TelegramSettings | SlackSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each section of credentials.yml is read, with variables that hold what their names say."""
    for variable, value in {
        "TELEGRAM_TOKEN": "123456:aaaabbbbccccdddd",
        "TELEGRAM_SECRET": "0123456789abcdef0123456789abcdef",
        "SLACK_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "0123456789abcdef",
    }.items():
        monkeypatch.setenv(variable, value)
    sections = [parse_yaml(block, "channels.md").get(heading.lower()) for block in _examples(heading)]
    read = [settings.from_credentials(section) for section in sections if section is not None]
    assert len(read) == 2


@pytest.mark.parametrize("heading", ["Telegram", "Slack"])
def test_what_the_log_is_said_to_say_it_says(heading: str) -> None:
    """Each line of the log that a walk-through names is written by the channel."""
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    told = re.findall(r"[Ll]og says `([a-z ]+)|\(`([a-z ]+)`\)|, then `([a-z ]+)`", section)
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "bot/channels" / heading.lower()).glob("*.py")
    )
    lines = [line.removesuffix(" channel").strip() for found in told for line in found if line]
    assert len(lines) >= 3
    for line in lines:
        assert f'"{line}' in source, line
