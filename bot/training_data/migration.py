"""A Rasa 2 project to Rasa 3: the part that needs no thought, with comments and layout kept."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.tokens import CommentToken

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Location, Severity
from bot.training_data.domain_file import is_domain_content
from bot.training_data.nlu_reader import is_nlu_content
from bot.training_data.stories import is_story_content
from bot.training_data.yaml_files import NEWEST_VERSION, parse_yaml, read_yaml, yaml_files_below
from bot.training_data.yaml_values import YamlMap

BACKUP = "before_migration"
_SKIPPED_FOLDERS = frozenset((BACKUP, "models", "results", "node_modules", "venv"))
_FILLED_UNASKED = ("from_entity", "from_trigger_intent")
_WIDTH = 4096


class _Representer(RoundTripRepresenter):
    """Writes `null` where a value is nothing."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


@dataclass(frozen=True, slots=True)
class MigratedFile:
    """One file, before and after."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Migration:
    """What changes, and what a person has to look at; nothing is written yet."""

    files: tuple[MigratedFile, ...]
    remarks: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Remark:
    """Something for a person to look at: a name of a section, which stands elsewhere after the change."""

    path: Path
    section: str
    name: str | None
    message: str
    severity: Severity = Severity.ERROR

    def finding(self, content: YamlMap) -> Finding:
        """Say it with the line of the new file."""
        place = content.at(self.section) if self.name is None else content[self.section].at(self.name)
        return Finding("migration", self.message, place, self.severity)


@dataclass
class _Section:
    """One top-level key of a file with the lines that it covers, from 0, the end excluded."""

    key: str
    start: int
    end: int
    node: CommentedMap
    changed: bool = False


@dataclass
class _File:
    path: Path
    lines: list[str]
    content: YamlMap
    sections: dict[str, _Section] = field(default_factory=dict)

    @property
    def is_old(self) -> bool:
        """Files without a version may be of either; what is Rasa 3 in them stays as it is."""
        return not str(self.content.get("version", "")).startswith("3")


def migrate(root: Path) -> Migration:
    """Work out how the files of a project below `root` have to change.

    Slot mappings move from forms to slots, each with the condition that its form is active; what Rasa 2
    filled by itself gets a mapping; a slot without any gets a custom one. The result for the domain is that
    of `rasa data migrate`. Beyond it, versions of all files are raised, `templates` are called `responses`,
    and the type `unfeaturized` is written as it is today.

    Raises:
        InvalidProject: A file cannot be read.
    """
    files = [file for file in _read(root) if file.is_old]
    domain = [file for file in files if is_domain_content(file.content)]
    remarks = _migrate_domain(domain)
    changed = [MigratedFile(file.path, "".join(file.lines), _render(file)) for file in files]
    after = {file.path: parse_yaml(file.after, str(file.path)) for file in changed}
    return Migration(
        tuple(file for file in changed if file.after != file.before),
        tuple(remark.finding(after[remark.path]) for remark in remarks),
    )


def _read(root: Path) -> Iterator[_File]:
    for path in yaml_files_below([root]):
        if _SKIPPED_FOLDERS & set(path.relative_to(root).parts[:-1]):
            continue
        content = read_yaml(path)
        if isinstance(content, YamlMap) and (
            is_domain_content(content)
            or "templates" in content
            or is_nlu_content(content)
            or is_story_content(content)
        ):
            yield _File(path, path.read_text("utf-8-sig").splitlines(keepends=True), content)


def _open_section(file: _File, key: str) -> CommentedMap | None:
    """Parse one top-level mapping of a file so that it can be written back with its comments."""
    if not isinstance(file.content.get(key), dict):
        return None
    if key not in file.sections:
        start = file.content.key_lines[key] - 1
        later = [line - 1 for line in file.content.key_lines.values() if line - 1 > start]
        end = min(later, default=len(file.lines))
        # What stands before the next key belongs to it.
        while end > start + 1 and re.match(r"\s*$|#|---|\.\.\.", file.lines[end - 1]):
            end -= 1
        try:
            parsed = _yaml(file.lines[start:end]).load("".join(file.lines[start:end]))
        except YAMLError as error:
            message = f"'{key}' cannot be rewritten by itself ({type(error).__name__}); write out its aliases"
            raise InvalidProject([Finding("migration", message, file.content.at(key))]) from error
        file.sections[key] = _Section(key, start, end, parsed[key])
    return file.sections[key].node


def _yaml(lines: Sequence[str]) -> YAML:
    """Return a writer that indents as these lines do."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.preserve_quotes = True
    indent = next((len(found[1]) for line in lines if (found := re.match(r"( +)[^\s#-]", line))), 2)
    offset = 0
    for line, following in pairwise(lines):
        key, item = re.match(r"( *)[^\s#-].*:\s*$", line), re.match(r"( *)- ", following)
        if key and item:
            offset = max(0, len(item[1]) - len(key[1]))
            break
    yaml.indent(mapping=indent, sequence=offset + 2, offset=offset)
    yaml.Representer = _Representer
    return yaml


def _migrate_domain(files: Sequence[_File]) -> list[_Remark]:
    remarks: list[_Remark] = []
    entities = {
        name
        for file in files
        for entity in file.content.get("entities") or ()
        for name in (entity if isinstance(entity, dict) else [entity])
    }
    config: JSON = next((file.content["config"] for file in files if file.content.get("config")), {})
    fills_by_itself = config.get("store_entities_as_slots", True) is not False
    slots = {
        name: (file, slot)
        for file in files
        for name, slot in (_open_section(file, "slots") or {}).items()
        if isinstance(slot, CommentedMap)
    }
    finished = {name for name, (_, slot) in slots.items() if "mappings" in slot}
    tails = {name: _take_tail(slot) for name, (_, slot) in slots.items()}
    for file in files:
        remarks += _migrate_forms(file, {name: slot for name, (_, slot) in slots.items()})
    for name, (file, slot) in slots.items():
        if name not in finished:
            remarks += _finish_slot(file, name, slot, fills=fills_by_itself and name in entities)
        _put_tail(slot, tails[name])
        file.sections["slots"].changed = True
    return remarks


def _migrate_forms(file: _File, slots: Mapping[str, CommentedMap]) -> list[_Remark]:
    remarks: list[_Remark] = []
    if isinstance(file.content.get("forms"), list):
        message = (
            "a list of forms says nothing of their slots; write 'name: {required_slots: [...]}' for each"
        )
        return [_Remark(file.path, "forms", None, message)]
    forms = _open_section(file, "forms")
    if forms is None:
        return []
    for name, form in forms.items():
        if not isinstance(form, CommentedMap):
            continue
        mapped = form.get("required_slots", form)
        if not isinstance(mapped, CommentedMap):
            continue
        tail = _take_tail(form)
        ignored = form.get("ignored_intents")
        required = [slot for slot in mapped if mapped is not form or slot != "ignored_intents"]
        for slot in required:
            if slot in slots:
                _add_mappings(slots[slot], slot, name, _as_list(mapped[slot]))
                continue
            message = f"form '{name}' asks for slot '{slot}', which the domain does not have; its mappings go"
            remarks.append(_Remark(file.path, "forms", name, message))
        form.clear()
        form["required_slots"] = CommentedSeq(required)
        if ignored:
            form["ignored_intents"] = ignored
        _put_tail(form, tail)
        file.sections["forms"].changed = True
    return remarks


def _as_list(mappings: JSON) -> list[JSON]:
    if not mappings:
        return []
    return list(mappings) if isinstance(mappings, list) else [mappings]


def _add_mappings(slot: CommentedMap, name: str, form: str, mappings: Sequence[JSON]) -> None:
    """Move a form's mappings to the slot; two forms that share one share its entry."""
    known = slot.setdefault("mappings", CommentedSeq())
    for mapping in mappings:
        condition = CommentedMap(active_loop=form)
        if mapping.get("type") not in _FILLED_UNASKED:
            condition["requested_slot"] = name
        same = [item for item in known if _without_conditions(item) == _without_conditions(mapping)]
        if same:
            same[0].setdefault("conditions", CommentedSeq()).append(condition)
            continue
        moved = copy.deepcopy(mapping)
        _take_tail(moved)
        moved["conditions"] = CommentedSeq([condition])
        known.append(moved)


def _without_conditions(mapping: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in mapping.items() if key != "conditions"}


def _finish_slot(file: _File, name: str, slot: CommentedMap, *, fills: bool) -> list[_Remark]:
    """Write out what Rasa 2 did by itself; say where nothing is known of how a slot is filled."""
    if slot.pop("auto_fill", True) is True and fills:
        mapping = CommentedMap(type="from_entity", entity=name)
        mappings = slot.setdefault("mappings", CommentedSeq())
        if mapping not in mappings:
            mappings.append(mapping)
    if slot.get("type") == "unfeaturized":
        slot["type"] = "any"
        slot["influence_conversation"] = False
    if slot.get("mappings"):
        return []
    slot["mappings"] = CommentedSeq([CommentedMap(type="custom")])
    if name == "requested_slot":
        return []
    message = f"slot '{name}' got a custom mapping: see that an action or a story really sets it"
    return [_Remark(file.path, "slots", name, message, Severity.WARNING)]


# In ruamel's tree a comment hangs on the value before it: what is said of the next key stands at the end of
# this one. It must be taken off before keys are added here, and put back behind them.


def _take_tail(node: JSON) -> str:
    """Take the comment lines off the end of a node; a comment on its last line stays there."""
    leaf, key = _last_leaf(node)
    if leaf is None:
        return ""
    marks = leaf.ca.items.get(key)
    place = 0 if isinstance(leaf, CommentedSeq) else 2
    token = marks[place] if marks else None
    if not isinstance(token, CommentToken):
        return ""
    on_line, newline, rest = token.value.partition("\n")
    if not rest:
        return ""
    if on_line.strip():
        token.value = on_line + newline
    else:
        marks[place] = None
    return str(rest)


def _put_tail(node: JSON, tail: str) -> None:
    leaf, key = _last_leaf(node)
    if not tail or leaf is None:
        return
    marks = leaf.ca.items.setdefault(key, [None, None, None, None])
    place = 0 if isinstance(leaf, CommentedSeq) else 2
    if isinstance(marks[place], CommentToken):
        marks[place].value = marks[place].value.rstrip("\n") + "\n" + tail
    else:
        marks[place] = CommentToken("\n" + tail, _START)


def _last_leaf(node: JSON) -> tuple[JSON, JSON]:
    """Return the innermost container at the end of a node, and its last key or index."""
    leaf, key = None, None
    while isinstance(node, CommentedMap | CommentedSeq) and node and not node.fa.flow_style():
        leaf = node
        key = len(node) - 1 if isinstance(node, CommentedSeq) else list(node)[-1]
        node = node[key]
    return leaf, key


class _Start:
    """Where a comment begins that stands on lines of its own."""

    column = 0


_START = _Start()


def _render(file: _File) -> str:
    lines = list(file.lines)
    for section in sorted(file.sections.values(), key=lambda item: -item.start):
        if section.changed:
            old = lines[section.start : section.end]
            text = io.StringIO()
            _yaml(old).dump({section.key: section.node}, text)
            lines[section.start : section.end] = text.getvalue().splitlines(keepends=True)
    return _rename(file.content, "".join(_with_version(file, lines)))


def _with_version(file: _File, lines: list[str]) -> list[str]:
    written = f'version: "{NEWEST_VERSION}"'
    if "version" in file.content:
        return [re.sub(r"^(['\"]?)version\1\s*:\s*[^\s#]+", written, line) for line in lines]
    if not is_domain_content(file.content):
        return lines
    first = next(index for index, line in enumerate(lines) if re.match(r"[^\s#%-]", line))
    return [*lines[:first], f"{written}\n", *lines[first:]]


def _rename(content: YamlMap, text: str) -> str:
    """Call responses by today's name, and drop a switch that is gone."""
    if "templates" in content and "responses" not in content:
        text = re.sub(r"^templates:", "responses:", text, flags=re.MULTILINE)
    if set(content.get("config") or ()) == {"store_entities_as_slots"}:
        text = re.sub(r"^config:[^\n]*\n(?:[ \t]+[^\n]*\n)*", "", text, flags=re.MULTILINE)
    return text


def old_names_in_actions(root: Path) -> list[Finding]:
    """Point at names in Python actions that rasa-sdk calls otherwise since version 3."""
    found = []
    for path in sorted(root.rglob("*.py")):
        if _SKIPPED_FOLDERS & set(path.relative_to(root).parts) or any(
            part.startswith(".") for part in path.relative_to(root).parts
        ):
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            if "slots_mapped_in_domain" in line:
                message = "'slots_mapped_in_domain' is called 'domain_slots' in rasa-sdk 3"
                found.append(Finding("migration", message, Location(str(path), number)))
    return found
