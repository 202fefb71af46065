"""Story files cut in two, comments and layout kept: stories to train on, and stories to test with."""

from __future__ import annotations

import io
import random
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from bot.dialogue.messages import JSON
from bot.training_data.stories import is_test_file
from bot.training_data.yaml_files import read_yaml, yaml_files_below

Part = tuple[str, int]
"""The text of a file, and how many stories it has."""

_STORIES = "stories"
_WIDTH = 4096


def story_files(root: Path) -> list[Path]:
    """Return the files with stories below a folder, tests left out.

    Raises:
        InvalidProject: One of the files is not YAML.
    """
    found = []
    for path in yaml_files_below([root]):
        document = read_yaml(path)
        stories = document.get(_STORIES) if isinstance(document, dict) else None
        if isinstance(stories, list) and stories and not is_test_file(path):
            found.append(path)
    return found


def split_story_file(path: Path, training_fraction: float, seed: int) -> tuple[Part, Part]:
    """Return what is to be trained on and what to be tested with, of a file that `story_files` found.

    Everything but stories stays with those to train on. A single story is trained on, of more at least one
    is kept for tests.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    content = yaml.load(path.read_text("utf-8-sig"))
    stories = content[_STORIES]
    count = min(max(1, round(len(stories) * (1 - training_fraction))), len(stories) - 1)
    held_out = set(random.Random(seed).sample(range(len(stories)), count))  # noqa: S311 - no secret
    test = CommentedSeq(story for place, story in enumerate(stories) if place in held_out)
    content[_STORIES] = CommentedSeq(story for place, story in enumerate(stories) if place not in held_out)
    version = {"version": content["version"]} if "version" in content else {}
    return (
        (_written(yaml, content), len(stories) - count),
        (_written(yaml, {**version, _STORIES: test}), count),
    )


def _written(yaml: YAML, content: JSON) -> str:
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()
