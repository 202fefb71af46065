"""Hypothesis strategies for small projects: sound ones, and the same after accidents.

A project is a tree of files (name to content). An accident hits the tree (a wrong type, a missing key, an
unknown name) or the written text (half a file, a tab, a stray byte).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hypothesis import strategies as st

from bot.dialogue.messages import JSON
from tests.training_data.rich_project import EXAMPLES, RICH

Tree = dict[str, JSON]
Draw = Callable[..., JSON]

INTENTS = ("greet", "order", "bye", "faq/price", "faq/time", "问候")
SLOTS = ("size", "city", "agreed", "colour")
ENTITIES = ("size", "city")
SLOT_TYPES: tuple[Tree, ...] = (
    {"type": "text"},
    {"type": "bool"},
    {"type": "list"},
    {"type": "any"},
    {"type": "float", "min_value": 0.0, "max_value": 10.0},
    {"type": "categorical", "values": ["a", "b"]},
)
MAPPINGS: tuple[Tree, ...] = (
    {"type": "custom"},
    {"type": "from_entity", "entity": "size"},
    {"type": "from_intent", "intent": "greet", "value": "a"},
    {"type": "from_text", "conditions": [{"active_loop": "order_form", "requested_slot": "size"}]},
)
VARIATIONS: tuple[Tree, ...] = (
    {"text": "hello {size}"},
    {"text": "你好", "condition": [{"type": "slot", "name": "size", "value": "a"}]},
    {"text": "pick", "buttons": [{"title": "a", "payload": '/order{"size": "a"}'}], "channel": "rest"},
    {"custom": {"any": [1, None]}},
)
POLICIES = [{"name": "MemoizationPolicy", "max_history": 3}, {"name": "RulePolicy"}]
HUGE = int("9" * 30)
STRANGE = ("", " ", "\u202e", "\ufeff", "é\u0301", "😀", "utter_", "a\tb", "x" * 3000, "STORY_START", "null")
PIECES = (
    "\t", "\x00", "&a ", "*a ", "<<: ", "? ", ": ", "- ", "{", "]", "!!x ", "---\n", "'", "${NO_SUCH}", "%",
    "|", "\\u12", "0b_", "._", "9" * 5000, "\x85", "\ufffe", "!!binary x", "\n",
)  # fmt: skip
NUMBERS = (0, -1, HUGE, -HUGE, 10**400, 1e308, float("inf"), float("nan"), 0.5)


def _nested(depth: int) -> JSON:
    value: JSON = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


JUNK: st.SearchStrategy[JSON] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(STRANGE),
    st.sampled_from([[], {}, [None], [[]], {"a": None}, [{"a": [1]}], {"": {}}, _nested(30), _nested(200)]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
    st.recursive(
        st.sampled_from([None, True, 1, 2.5, "greet", "utter_hi", "size", ""]),
        lambda part: (
            st.lists(part, max_size=2)
            | st.dictionaries(
                st.sampled_from(["intent", "action", "name", "type", "text", "x"]), part, max_size=2
            )
        ),
        max_leaves=4,
    ),
)


@st.composite
def sound_domains(draw: Draw) -> Tree:
    """Return a domain in which every name that is used exists."""
    intents = draw(st.lists(st.sampled_from(INTENTS), min_size=1, max_size=4, unique=True))
    domain: Tree = {
        "version": "3.1",
        "intents": sorted({name.partition("/")[0] for name in (*intents, "greet")}),
        "entities": list(ENTITIES),
        "slots": {
            name: {**draw(st.sampled_from(SLOT_TYPES)), "mappings": [draw(st.sampled_from(MAPPINGS))]}
            for name in ("size", *draw(st.lists(st.sampled_from(SLOTS[1:]), max_size=2, unique=True)))
        },
        "forms": {"order_form": {"required_slots": ["size"]}},
        "responses": {
            name: draw(st.lists(st.sampled_from(VARIATIONS), min_size=1, max_size=2))
            for name in ("utter_hi", "utter_ask_size", "utter_faq/price", "utter_faq/time")
        },
        "actions": draw(st.sampled_from([["action_do"], [{"action_do": {"send_domain": True}}]])),
    }
    for slot in domain["slots"].values():
        # Each slot of the form must be one that the form's mapping may name.
        slot["mappings"] = [
            item for item in slot["mappings"] if "conditions" not in item or slot is domain["slots"]["size"]
        ] or [{"type": "custom"}]
    return {"domain": domain, "intents": intents}


def _turn(draw: Draw, intents: list[str]) -> list[Tree]:
    said: Tree = {"intent": draw(st.sampled_from(intents))}
    if draw(st.booleans()):
        said["entities"] = [{"size": "a"}]
    actions = ("utter_hi", "action_do", "order_form")
    did = [{"action": name} for name in draw(st.lists(st.sampled_from(actions), min_size=1, max_size=2))]
    if draw(st.booleans()):
        did.append(draw(st.sampled_from(({"slot_was_set": [{"size": "a"}]}, {"active_loop": "order_form"}))))
    if draw(st.integers(0, 5)) == 0:
        return [{"or": [{"intent": intents[0]}, {"intent": intents[-1]}]}, *did]
    return [said, *did]


@st.composite
def sound_projects(draw: Draw) -> Tree:
    """Return the files of a project that has no mistake but, maybe, a contradiction of rules and stories."""
    made = draw(sound_domains())
    intents = made["intents"]
    stories: list[Tree] = []
    for number in range(draw(st.integers(1, 3))):
        steps = [step for _ in range(draw(st.integers(1, 2))) for step in _turn(draw, intents)]
        if draw(st.integers(0, 3)) == 0:
            steps.append({"checkpoint": draw(st.sampled_from(["here", "there"]))})
        if draw(st.integers(0, 3)) == 0:
            steps.insert(0, {"checkpoint": draw(st.sampled_from(["here", "there"]))})
        stories.append({"story": f"story {number}", "steps": steps})
    rules = [{"rule": "greeting", "steps": [{"intent": intents[0]}, {"action": "utter_hi"}]}]
    pipeline = [{"name": "WhitespaceTokenizer"}, {"name": "DIETClassifier", "epochs": 1}]
    nlu = [{"intent": name, "examples": EXAMPLES} for name in intents]
    nlu += [{"lookup": "size", "examples": "- small\n"}, {"synonym": "L", "examples": "- big\n"}]
    config = {"language": "en", "assistant_id": "a", "policies": POLICIES, "pipeline": pipeline}
    return {
        "domain.yml": made["domain"],
        "config.yml": config,
        "data/stories.yml": {"version": "3.1", "stories": stories},
        "data/rules.yml": {"version": "3.1", "rules": rules if draw(st.booleans()) else []},
        "data/nlu.yml": {"version": "3.1", "nlu": nlu},
    }


def _places(tree: JSON) -> list[tuple[JSON, JSON]]:
    """Return every (container, key) of a tree."""
    items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree))
    found = [(tree, key) for key, _ in items]
    for _, value in items:
        if isinstance(value, dict | list):
            found += _places(value)
    return found


def _hit(draw: Draw, container: JSON, key: JSON) -> None:
    """Let one accident happen to one place of a tree."""
    accident = draw(st.sampled_from(["replace", "remove", "wrap", "rename", "twice", "misspell"]))
    value = container[key]
    if accident == "remove":
        del container[key]
    elif accident == "wrap":
        container[key] = draw(st.sampled_from([[value], {"a": value}, {"intent": value}]))
    elif accident == "rename" and isinstance(container, dict):
        container[draw(st.sampled_from(["", "x", "0", "steps", "text", "name", *STRANGE]))] = container.pop(
            key
        )
    elif accident == "twice" and isinstance(container, list):
        container.append(copy.deepcopy(value))
    elif accident == "misspell" and isinstance(value, str):
        container[key] = value + draw(
            st.sampled_from(["x", "/y", "{", "[", ")", "}", "\n", "((", "[a](", "*"])
        )
    else:
        container[key] = copy.deepcopy(draw(JUNK))


def _hit_text(draw: Draw, text: str) -> bytes:
    """Let one accident happen to a written file."""
    accident = draw(st.sampled_from(["none", "cut", "insert", "bytes", "empty", "anchors", "key twice"]))
    place = draw(st.integers(0, max(len(text), 1)))
    if accident == "cut":
        return text.encode()[:place]
    if accident == "insert":
        return (text[:place] + draw(st.sampled_from(PIECES)) + text[place:]).encode()
    if accident == "bytes":
        junk = draw(st.binary(min_size=1, max_size=8))
        return text.encode()[:place] + junk + text.encode()[place:]
    if accident == "empty":
        return draw(
            st.sampled_from([b"", b"\n", b"---\n", b"\xef\xbb\xbf", b"# only this\n", b"[]", b"1", b"null"])
        )
    if accident == "anchors":
        return b"x: &a {k: 1}\ny: *a\nz: {<<: *a, <<: [*a, *a]}\n" + text.encode()
    if accident == "key twice":
        lines = text.splitlines(keepends=True)
        line = min(place, len(lines) - 1)
        return "".join([*lines[: line + 1], *lines[line:]]).encode()
    return text.encode()


def written_as(name: str, content: JSON) -> bytes:
    """Write a file in the form that its name says, with a line for each key and item."""
    text = json.dumps(content, ensure_ascii=False, indent=1) if name.endswith(".json") else block(content)
    return text.encode()


def block(value: JSON, indent: int = 0) -> str:
    """Write a tree as block YAML, every scalar as JSON, so that each key and item has its own line."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_scalar(key)}:{_below(item, indent)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{_below(item, indent)}" for item in value)
    return f"{pad}{_scalar(value)}\n"


def _below(value: JSON, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + block(value, indent + 1)
    return f" {_scalar(value)}\n"


def _scalar(value: JSON) -> str:
    if isinstance(value, float) and value != value:
        return ".nan"
    return ".inf" if value == float("inf") else json.dumps(value, ensure_ascii=False)


@st.composite
def damaged_projects(draw: Draw) -> dict[str, bytes]:
    """Return the files of a project after one to three accidents."""
    files = draw(st.one_of(sound_projects(), st.just(RICH), st.just(RICH)))
    return draw(damaged_files(files))


@st.composite
def damaged_files(draw: Draw, files: Mapping[str, JSON]) -> dict[str, bytes]:
    """Return the files of a folder after one to three accidents to one of them."""
    kept = copy.deepcopy(dict(files))
    name = draw(st.sampled_from(sorted(kept)))
    for _ in range(draw(st.integers(0, 2))):
        places = _places(kept[name]) if isinstance(kept[name], dict | list) else []
        if places:
            _hit(draw, *places[draw(st.integers(0, len(places) - 1))])
    written = {path: written_as(path, content) for path, content in kept.items()}
    written[name] = _hit_text(draw, written[name].decode())
    return written


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of a project below a new folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


# What nobody can know the right spelling of: a channel's own words, a company's own names, and remarks.
_FREE = (
    "metadata", "attachment", "elements", "custom", "channel", "url", "model_name", "analyzer", "featurizer",
    "lookup", "roles", "groups",
)  # fmt: skip
_NEVER_USED = ("action_more",)


def _misspelled(name: str) -> str:
    middle = len(name) // 2
    return name[:middle] + name[middle + 1 :]


@st.composite
def misspelled_projects(draw: Draw) -> tuple[dict[str, bytes], str, str]:
    """Return a project in which one name of four letters or more lacks one, the file, and the name."""
    files = copy.deepcopy(RICH)
    file = draw(st.sampled_from(sorted(files)))
    places = list(_names(files[file]))
    container, key, is_key, name = draw(st.sampled_from(places))
    if is_key:
        items = [(_misspelled(name) if old == key else old, value) for old, value in container.items()]
        container.clear()
        container.update(items)
    else:
        container[key] = _misspelled(name)
    return {path: written_as(path, content) for path, content in files.items()}, file, name


def _names(tree: JSON) -> Iterator[tuple[JSON, JSON, bool, str]]:
    """Yield (container, key, whether the key is meant, name) for what can be misspelled."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        is_known = not (isinstance(key, str) and ("/" in key or key in _NEVER_USED))
        if isinstance(key, str) and len(key) >= 4 and is_known:
            yield tree, key, True, key
        if key in _FREE or not is_known:
            continue
        if isinstance(value, str) and len(value) >= 4 and not {" ", ".", "/"} & set(value):
            yield tree, key, False, value
        if isinstance(value, dict | list):
            yield from _names(value)
