"""A small project on a tiny backbone, as a folder that the commands work on."""

from __future__ import annotations

from pathlib import Path

from tests.language.tiny_backbone import write_tiny_backbone

_FILES = {
    "config.yml": (
        "recipe: default.v1\nlanguage: en\nassistant_id: shop\n"
        "pipeline:\n- name: BertUnderstanding\n  backbone: {backbone}\n"
        "policies:\n- name: RulePolicy\n- name: MemoizationPolicy\n"
    ),
    "domain.yml": (
        'version: "3.1"\nintents: [greet, bye, thank]\n'
        "responses:\n  utter_hi: [{text: hi}]\n  utter_bye: [{text: bye}]\n  utter_fine: [{text: fine}]\n"
    ),
    "data/nlu.yml": (
        'version: "3.1"\nnlu:\n'
        "- intent: greet\n  examples: |\n"
        "    - hello\n    - hi there\n    - good morning\n    - hey\n    - hey you\n"
        "- intent: bye\n  examples: |\n"
        "    - goodbye\n    - see you\n    - bye now\n    - farewell\n    - so long\n"
        "- intent: thank\n  examples: |\n"
        "    - thanks\n    - thank you\n    - many thanks\n    - cheers\n    - ta\n"
    ),
    "data/rules.yml": (
        'version: "3.1"\nrules:\n- rule: greet\n  steps:\n  - intent: greet\n  - action: utter_hi\n'
    ),
    "data/stories.yml": (
        'version: "3.1"\nstories:\n'
        "# the first one\n- story: leave\n  steps:\n  - intent: bye\n  - action: utter_bye\n"
        "- story: thank and leave\n  steps:\n  - intent: thank\n  - action: utter_fine\n"
        "  - intent: bye\n  - action: utter_bye\n"
        "- story: thank\n  steps:\n  - intent: thank\n  - action: utter_fine\n"
    ),
    "tests/test_stories.yml": (
        'version: "3.1"\nstories:\n- story: polite\n  steps:\n'
        "  - intent: greet\n    user: hello\n  - action: utter_hi\n"
        "- story: leave\n  steps:\n  - intent: bye\n    user: goodbye\n  - action: utter_bye\n"
    ),
}


def write_tiny_project(root: Path, backbone: Path) -> Path:
    """Write the project, and the backbone beside it if it is not there yet."""
    if not backbone.exists():
        write_tiny_backbone(backbone)
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{backbone}", str(backbone)), "utf-8")
    return root
