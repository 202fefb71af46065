"""The assistant that answered the recordings, on our engine: same project, trained policies, keyword NLU."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from bot.channels.channel import ChannelParts
from bot.dialogue.domain import Domain
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.model_jobs import ServerJobs
from bot.policies import train as policy_training
from bot.policies.ensemble import Ensemble
from bot.runtime import model_archive, model_package
from bot.runtime.action_runner import ActionRunner
from bot.runtime.conversations import ConversationProcessor, ConversationStore
from bot.runtime.live import LiveProcessor
from bot.runtime.train import Wishes, train
from bot.server.app import create_app, delivery_of
from bot.server.auth import Access
from bot.server.parts import ApiParts, ServerParts, TrainingWishes
from bot.training_data.nlu_examples import NluData
from bot.training_data.project import Project
from tests.server.factories import SwitchedStore

PROJECT = Path(__file__).parents[1] / "payloads" / "rasa_http" / "project"


class KeywordNlu:
    """Rasa's KeywordIntentClassifier and RegexEntityExtractor, as far as the project goes."""

    def __init__(self, data: NluData, domain: Domain) -> None:
        self._domain = domain
        self._keywords = [(example.text, example.intent) for example in data.examples]
        self._phrases = [(name, phrase) for name, phrases in data.lookups.items() for phrase in phrases]

    def parse(self, text: str) -> ParseResult:
        """Find the first keyword and every phrase."""
        named = parse_intent_payload(text, self._domain)
        if named is not None:
            return named
        hits = (
            name for word, name in self._keywords if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
        )
        intent = next(hits, None)
        entities = tuple(
            Entity(name, match.group(), match.start(), match.end(), extractor="RegexEntityExtractor")
            for name, phrase in self._phrases
            for match in re.finditer(rf"\b{phrase}\b", text, re.IGNORECASE)
        )
        tokens = tuple(match.span() for match in re.finditer(r"\w+", text))
        return ParseResult(text, Intent(intent, float(intent is not None)), entities, text_tokens=tokens)


@dataclass(frozen=True)
class ContractModel:
    """A model of the project in memory."""

    model_id: str
    model_file: str
    assistant_id: str | None
    domain: Domain
    interpreter: KeywordNlu
    policies: Ensemble


class Trainer:
    """Trains the project's policies; its NLU has nothing to learn."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.project = Project.load(PROJECT)

    def train(self, project: Project | None = None, models: Path | None = None) -> Path:
        """Train, and return the model's folder."""
        given = project or self.project
        wishes = Wishes(force=True)
        trained = train(given, models or self.models, train_nlu=_nothing_to_learn, wishes=wishes)
        return trained.package.folder

    def load(self, folder: Path) -> ContractModel:
        """Load a model of any project with the keyword NLU of this one."""
        package = model_package.open_package(model_package.latest(folder))
        domain = package.load_domain()
        return ContractModel(
            package.metadata.model_id,
            str(package.folder),
            package.metadata.assistant_id,
            domain,
            KeywordNlu(self.project.nlu, domain),
            policy_training.load(package.policies_folder),
        )


def _nothing_to_learn(_data: Any, _pipeline: Any, folder: Path, **_: Any) -> SimpleNamespace:
    folder.mkdir()
    return SimpleNamespace(components=(), notes=())


class InPlaceJobs(ServerJobs):
    """Trains in this process, and only what the trainer can."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__(PROJECT, trainer.models, trainer.load)
        self._trainer = trainer

    async def train(self, folder: Path, wishes: TrainingWishes) -> Path:
        """Train what stands in `data.yml`."""
        project = Project.load(folder, domain="data.yml", config="data.yml", data=("data.yml",))
        models = self._trainer.models if wishes.keep else folder / "models"
        trained = await asyncio.to_thread(self._trainer.train, project, models)
        return model_archive.pack(model_package.open_package(trained), folder)


@dataclass(frozen=True)
class Served:
    """An application and what stands behind it."""

    app: FastAPI
    live: LiveProcessor
    trainer: Trainer


def serve(
    trainer: Trainer,
    store: ConversationStore,
    *,
    access: Access | None = None,
    credentials: Any = None,
) -> Served:
    """Serve the newest model of the trainer with the API mounted."""
    model = trainer.load(trainer.models)
    processor = ConversationProcessor(
        domain=model.domain,
        parser=model.interpreter,
        policies=model.policies,
        runner=ActionRunner(model.domain),
        store=store,
    )
    live = LiveProcessor(processor)
    live.swap(model)
    parts = ServerParts(
        channel_parts=ChannelParts(live, store),
        model=live,
        store=SwitchedStore(),
        close=live.close,
        api=ApiParts(live, InPlaceJobs(trainer), access or Access()),
    )
    app = create_app(parts, credentials or {"rest": None})
    live.deliver_by(delivery_of(app))
    return Served(app, live, trainer)
