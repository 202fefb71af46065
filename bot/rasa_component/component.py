"""A Frontdesk model as a component of Rasa 3.6: intent, entities, sentiment and language of a message.

It stands in Rasa's `config.yml` as `- name: frontdesk_nlu.FrontdeskNLU` with `model: models`, a folder of
trained models or one of them. `rasa train` copies the model into Rasa's own archive: nothing else is shipped.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import RESPONSE_SELECTOR_PROPERTY_NAME, TOKENS_NAMES
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.dialogue.domain import Domain, EntityProperties
from bot.dialogue.messages import ParseResult
from bot.errors import FrontdeskError
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import NluModel

logger = logging.getLogger(__name__)

MODEL, METADATA, DOMAIN, NLU = "model", "metadata.json", "domain.json", "nlu"
BUILTIN_LIBRARIES = ("dateparser", "phonenumbers")


class FrontdeskModelError(RasaException):  # type: ignore[misc] # Rasa has no types here
    """The model cannot be used; the message says why."""


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR],
    is_trainable=True,
)
class FrontdeskNLU(GraphComponent):  # type: ignore[misc] # as above
    """Understands messages with a model that Frontdesk has trained.

    Names and annotations of the methods are Rasa's: it reads them when it checks a graph.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the options with their defaults."""
        return {MODEL: "models"}

    @staticmethod
    def required_packages() -> list[str]:
        """Name what must be installed beside Rasa."""
        return ["onnxruntime", "tokenizers"]

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Let Rasa take another model in, although neither its data nor its configuration has changed."""
        return str(_metadata(newest(Path(config[MODEL])))["model_id"])

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        interpreter: Interpreter | None = None,
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._interpreter = interpreter

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FrontdeskNLU:
        """Make a component that has no model yet."""
        del execution_context
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Copy the trained model into Rasa's; what Rasa's data has and the model lacks is warned of."""
        folder = newest(Path(self._config[MODEL]))
        check_files(folder)
        interpreter = load(folder)
        known = set(interpreter.model.intent.head.labels) if interpreter.model.intent else set()
        intents = {label.partition("/")[0] for label in known}
        strange = sorted(set(training_data.intents) - intents)
        if strange:
            logger.warning(
                "the model at %s knows no intent %s; train it again with these examples", folder, strange
            )
        with self._storage.write_to(self._resource) as place:
            shutil.copytree(folder / NLU, place / NLU)
            for name in (METADATA, DOMAIN):
                shutil.copy2(folder / name, place / name)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FrontdeskNLU:
        """Load the model out of Rasa's archive."""
        del execution_context, kwargs
        with model_storage.read_from(resource) as place:
            return cls(config, model_storage, resource, load(Path(place)))

    def process(self, messages: list[Message]) -> list[Message]:
        """Understand messages; one that names its intent (`/greet`) is left to Rasa's own handler."""
        if self._interpreter is None:
            raise FrontdeskModelError("the component has not been loaded; run `rasa train`")
        for message in messages:
            put(self._interpreter.parse(message.get(TEXT) or ""), message)
        return messages


def newest(models: Path) -> Path:
    """Return the newest complete model of a folder, or the folder where it is one itself."""
    if (models / METADATA).is_file():
        return models
    found = [path.parent for path in models.glob(f"*/{METADATA}") if not path.parent.name.startswith(".")]
    if not found:
        raise FrontdeskModelError(f"no trained model in {models.resolve()}; run `frontdesk train`")
    return max(found, key=lambda folder: (str(_metadata(folder)["trained_at"]), folder.name))


def _metadata(folder: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads((folder / METADATA).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FrontdeskModelError(f"{folder / METADATA}: broken ({error}); train the model again") from error
    return data


def check_files(folder: Path) -> None:
    """See that each file is the one that was trained."""
    for name, expected in _metadata(folder)["files"].items():
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if found != expected:
            raise FrontdeskModelError(f"{path}: not the file that was trained; train the model again")


def load(folder: Path) -> Interpreter:
    """Load a model's understanding; what it needs and cannot have here is refused by name."""
    try:
        plan = NluModel.load(folder / NLU).plan
        if plan.own:
            raise FrontdeskModelError(
                f"{plan.own[0].path}: a project's own component runs in Frontdesk alone"
            )
        absent = [name for name in BUILTIN_LIBRARIES if plan.builtin and find_spec(name) is None]
        if absent:
            raise FrontdeskModelError(
                f"the model finds dates and phone numbers (BuiltinEntities): pip install {' '.join(absent)}"
            )
        entities = json.loads((folder / DOMAIN).read_text("utf-8")).get("entities") or []
        names = [entity if isinstance(entity, str) else next(iter(entity)) for entity in entities]
        return Interpreter.load(folder / NLU, Domain(entities={name: EntityProperties() for name in names}))
    except (FrontdeskError, OSError, ValueError) as error:
        raise FrontdeskModelError(str(error)) from error


def put(result: ParseResult, message: Message) -> None:
    """Write what was understood into a message, under Rasa's names."""
    found = result.as_dict()
    message.set(INTENT, found["intent"], add_to_output=True)
    message.set(INTENT_RANKING_KEY, found["intent_ranking"], add_to_output=True)
    message.set(ENTITIES, [*message.get(ENTITIES, []), *found["entities"]], add_to_output=True)
    if found["response_selector"]:
        message.set(RESPONSE_SELECTOR_PROPERTY_NAME, found["response_selector"], add_to_output=True)
    for name in ("sentiment", "language"):
        if name in found:
            message.set(name, found[name], add_to_output=True)
    if not message.get(TOKENS_NAMES[TEXT]):
        tokens = [Token(result.text[start:end], start, end) for start, end in result.text_tokens]
        message.set(TOKENS_NAMES[TEXT], tokens)
