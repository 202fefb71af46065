"""As much of Rasa 3.6 as the component touches: packages written to a folder, for processes without Rasa."""

from __future__ import annotations

from pathlib import Path

_FILES = {
    "engine/graph.py": "class ExecutionContext: pass\nclass GraphComponent: pass\n",
    "engine/recipes/default_recipe.py": """
class DefaultV1Recipe:
    class ComponentType:
        INTENT_CLASSIFIER, ENTITY_EXTRACTOR = 2, 3
    registered = []
    @classmethod
    def register(cls, types, is_trainable):
        def keep(made):
            cls.registered.append((made.__name__, types, is_trainable))
            return made
        return keep
""",
    "engine/storage/resource.py": "class Resource: pass\n",
    "engine/storage/storage.py": """
from contextlib import contextmanager
class ModelStorage:
    def __init__(self, folder):
        self.folder = folder
    @contextmanager
    def write_to(self, resource):
        self.folder.mkdir()
        yield self.folder
    @contextmanager
    def read_from(self, resource):
        yield self.folder
""",
    "nlu/constants.py": (
        "RESPONSE_SELECTOR_PROPERTY_NAME = 'response_selector'\nTOKENS_NAMES = {'text': 'text_tokens'}\n"
    ),
    "nlu/tokenizers/tokenizer.py": """
class Token:
    def __init__(self, text, start, end):
        self.text, self.start, self.end = text, start, end
""",
    "shared/exceptions.py": "class RasaException(Exception): pass\n",
    "shared/nlu/constants.py": (
        "ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT = 'entities', 'intent', 'intent_ranking', 'text'\n"
    ),
    "shared/nlu/training_data/message.py": """
class Message:
    def __init__(self, data):
        self.data, self.output = data, set()
    def get(self, name, default=None):
        return self.data.get(name, default)
    def set(self, name, value, add_to_output=False):
        self.data[name] = value
        if add_to_output:
            self.output.add(name)
""",
    "shared/nlu/training_data/training_data.py": """
class TrainingData:
    def __init__(self, intents):
        self.intents = intents
""",
}


def write_rasa(folder: Path) -> None:
    """Write the package `rasa` into a folder."""
    for name, text in _FILES.items():
        path = folder / "rasa" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for parent in path.relative_to(folder).parents[:-1]:
            (folder / parent / "__init__.py").touch()
