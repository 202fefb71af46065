"""Joins the parts: the one place that names concrete classes, so here is what a served assistant is."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from bot.channels.channel import ChannelParts
from bot.delivery.queues import DurableQueues
from bot.dialogue.domain import Domain
from bot.dialogue.intent_payload import PayloadParser
from bot.errors import ModelError, SettingsError
from bot.nlu.interpreter import Interpreter
from bot.policies import train as policy_training
from bot.policies.ensemble import Ensemble
from bot.runtime import model_archive, model_package
from bot.runtime.action_runner import ActionRunner
from bot.runtime.conversations import ConversationProcessor
from bot.runtime.custom_actions import ActionServer, HttpActions, InProcessActions, NoActions
from bot.runtime.live import LiveProcessor
from bot.runtime.model_package import ModelPackage
from bot.runtime.model_server import ModelServer
from bot.runtime.nlg_server import NlgServer
from bot.runtime.nlu_server import NluServer
from bot.runtime.own_code import make_importable
from bot.runtime.stores.opened import OpenedStores
from bot.server.app import create_app, delivery_of
from bot.server.crm_identities import CrmIdentities
from bot.server.parts import ApiParts, ServerParts
from bot.server.widget_records import CrmRecords
from bot.settings import CRM_URL, ActionPackage, Settings
from crm_connector import database, surveys
from crm_connector.attachments import Attachments
from crm_connector.columns import utc_now
from desk.options import DeskOptions

logger = logging.getLogger(__name__)

# Whoever has rated within this time is not asked again when an agent has solved something.
_RATED_LATELY = timedelta(days=1)


@dataclass(frozen=True)
class Model:
    """A trained model in memory: it understands and decides.

    Where only one part was trained, it understands nothing but payloads, or always listens.
    """

    package: ModelPackage
    domain: Domain
    interpreter: Interpreter | PayloadParser
    policies: Ensemble

    @classmethod
    def load(cls, models: Path) -> Model:
        """Load the newest model of a folder, or one packed as a file, which is unpacked beside it.

        Raises:
            ModelError: There is none, or it is broken.
        """
        if models.is_file():
            models = model_archive.unpack(models, models.parent, usable=cls.load)
        package = model_package.open_package(model_package.latest(models))
        domain = package.load_domain()
        nlu, policies = package.nlu_folder, package.policies_folder
        return cls(
            package,
            domain,
            Interpreter.load(nlu, domain) if nlu.is_dir() else PayloadParser(domain),
            policy_training.load(policies) if policies.is_dir() else Ensemble(()),
        )

    @property
    def understanding(self) -> Interpreter:
        """What it learnt of the NLU data.

        Raises:
            ModelError: Only its policies were trained.
        """
        if isinstance(self.interpreter, PayloadParser):
            raise ModelError("the model understands nothing, only its policies were trained; train it again")
        return self.interpreter

    @property
    def model_id(self) -> str:
        """The model's name in events and logs."""
        return self.package.metadata.model_id

    @property
    def model_file(self) -> str:
        """The model's folder."""
        return str(self.package.folder)

    @property
    def assistant_id(self) -> str | None:
        """What `config.yml` calls the assistant."""
        return self.package.metadata.assistant_id


@dataclass(frozen=True)
class AssistantAtDesk:
    """What the desk asks of an assistant."""

    live: LiveProcessor
    root: Path
    store: database.Store
    survey_intent: str = ""

    def intents(self) -> Sequence[str]:
        """Names of the intents that the loaded model knows."""
        return [] if self.live.model_id is None else list(self.live.domain.intents)

    def entities(self) -> Sequence[str]:
        """Names of the kinds of entity that it knows."""
        return [] if self.live.model_id is None else list(self.live.domain.entities)

    @property
    def nlu_folder(self) -> Path:
        """Where new training sentences go."""
        return self.root / "data" / "nlu"

    async def resolved(self, channel: str, sender_id: str) -> None:
        """Ask how it went, as if the customer had wanted to say; not again who has just said it."""
        if not self.survey_intent or self.live.model_id is None:
            return
        if not await asyncio.to_thread(self._was_rated, sender_id):
            await self.live.processor.trigger_intent(sender_id, self.survey_intent, channel=channel)

    def _was_rated(self, sender_id: str) -> bool:
        with self.store.reading() as session:
            return surveys.was_rated(session, sender_id, utc_now() - _RATED_LATELY)


@dataclass(frozen=True)
class Assistant:
    """A running assistant: its store, and the processor that takes messages.

    `model` is the one it was started with; `processor` knows which one answers now.
    """

    settings: Settings
    model: Model
    store: database.Store
    stores: OpenedStores
    processor: LiveProcessor
    custom: ActionServer
    writer: NlgServer | None = None
    nlu: NluServer | None = None

    @classmethod
    def start(cls, settings: Settings) -> Assistant:
        """Open the stores, load the model and start the actions.

        Raises:
            ModelError: No model can be loaded.
            SettingsError: A setting is wrong, or the store or the actions cannot be had.
        """
        # Actions find the store of this process in the environment, as those of an action server do.
        os.environ[CRM_URL] = settings.crm_url
        make_importable(settings.root)
        model = Model.load(_pulled(settings) or settings.models)
        try:
            store = database.open(settings.crm_url)
        except database.StoreUnavailable as error:
            raise SettingsError(f"{CRM_URL}: {error}") from error
        custom = _actions(settings)
        stores = OpenedStores.open(
            settings.root, store, settings.tracker_store, settings.lock_store, settings.event_broker
        )
        writer = NlgServer(settings.nlg) if settings.nlg else None
        nlu = NluServer(settings.nlu) if settings.nlu else None
        processor = ConversationProcessor(
            domain=model.domain,
            parser=model.interpreter,
            policies=model.policies,
            runner=ActionRunner(model.domain, custom, writer=writer),
            store=stores.tracker_store,
            locks=stores.locks,
            max_predictions=settings.max_predictions,
        )
        live = LiveProcessor(processor, nlu)
        live.swap(model)
        return cls(settings, model, store, stores, live, custom, writer, nlu)

    async def is_reachable(self) -> bool:
        """Whether the stores answer."""
        return await self.stores.is_reachable()

    async def close(self) -> None:
        """Let go of the reminders, the actions, other servers and the stores."""
        await self.processor.close()
        if self.writer:
            await self.writer.close()
        if self.nlu:
            self.nlu.close()
        await self.stores.close()
        if isinstance(self.custom, HttpActions):
            await self.custom.close()
        elif isinstance(self.custom, InProcessActions):
            self.custom.close()
        self.store.close()

    def app(self, *, api: ApiParts | None = None, cors_origins: Sequence[str] = ()) -> FastAPI:
        """Return the web application around this assistant; `api` is what Rasa's HTTP API works on."""
        queues = DurableQueues(self.store, self.processor)
        for name, webhook in self.settings.webhooks.items():
            queues.serve_webhook(name, webhook)
        files = self.settings.attachments.open_files(self.settings.root, self.store)
        parts = ServerParts(
            channel_parts=ChannelParts(
                self.processor,
                self.stores.tracker_store,
                inbox=queues.inbox,
                outbox=queues.outbox,
                identities=CrmIdentities(self.store),
                knows_intent=self._knows_intent,
                files=files,
                records=CrmRecords(self.store, self._knows_slot),
                has_model=lambda: self.processor.model_id is not None,
            ),
            model=self.processor,
            store=self,
            start=lambda: self.processor.resume(self.stores.reminders),
            close=self.close,
            api=api,
            cors_origins=tuple(cors_origins),
            queues=queues,
        )
        app = create_app(parts, self.settings.credentials)
        self.processor.deliver_by(delivery_of(app))
        if self.settings.desk is not None:
            self._open_desk(app, self.settings.desk, files.kept)
        return app

    def _open_desk(self, app: FastAPI, options: DeskOptions, files: Attachments) -> None:
        """Put the desk under `/desk/`; where its first account is made is kept in `app.state`."""
        # It brings a whole user interface along, a second's work: who has no desk does not wait for it.
        from desk.app import mount  # noqa: PLC0415

        assistant = AssistantAtDesk(self.processor, self.settings.root, self.store, options.survey_intent)
        desk = mount(app, self.store, options, assistant=assistant, files=files)
        app.state.first_account_path = desk.first_run_path

    def _knows_intent(self, name: str) -> bool:
        return self.processor.model_id is not None and name in self.processor.domain.intents

    def _knows_slot(self, name: str) -> bool:
        return self.processor.model_id is not None and name in self.processor.domain.slots


def _actions(settings: Settings) -> ActionServer:
    if settings.actions is None:
        return NoActions()
    if isinstance(settings.actions, ActionPackage):
        return InProcessActions(settings.actions.package, timeout_s=settings.actions.timeout_s)
    return HttpActions(settings.actions)


def _pulled(settings: Settings) -> Path | None:
    """Ask the model server once; while it has nothing, the newest model of the folder serves."""
    if settings.model_server is None:
        return None
    try:
        return ModelServer(settings.model_server, settings.models, usable=Model.load).pull()
    except ModelError as error:
        logger.warning("%s; the newest model in %s serves", error, settings.models)
        return None
