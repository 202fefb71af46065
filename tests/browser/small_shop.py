"""The demo shop with a handful of sentences: its own domain, stories and actions, trained in seconds.

Where everything is real but the amount it was taught: what customers write in these tests is among it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration.demo import ROOT, frontdesk

COMPLAINT = "My parcel is late and nobody answers me, I am furious!"
WANTS_A_PERSON = "I want to talk to a person"
YES = "Yes please"
ASKS_FOR_TICKET = "What about my ticket?"
THANKS = "Thank you"

_FILES = {
    "config.yml": """
recipe: default.v1
assistant_id: small-shop
language: en
pipeline:
- {name: BertUnderstanding, fine_tune: head}
- {name: EntityLookup}
policies:
- {name: MemoizationPolicy, max_history: 6}
- {name: RulePolicy}
""",
    "endpoints.yml": """
action_endpoint: {package: actions}
desk: {survey_intent: give_feedback}
""",
    "credentials.yml": """
rest:
web_widget:
""",
    "data/nlu/small.yml": f"""
version: "3.1"
nlu:
- intent: complaint_delivery
  examples: |
    - {COMPLAINT}
    - my parcel is late
    - the parcel is not here and nobody answers, I am furious
- intent: human_handoff
  examples: |
    - {WANTS_A_PERSON}
    - a person please
    - talk to a human
- intent: affirm
  examples: |
    - {YES}
    - yes
    - please do
- intent: ticket_status
  examples: |
    - {ASKS_FOR_TICKET}
    - how is my ticket
- intent: thank
  examples: |
    - {THANKS}
    - thanks a lot
- intent: inform
  examples: |
    - "5"
    - "4"
    - LC104233
""",
}


def write_and_train(folder: Path) -> Path:
    """Write the project, train it, and return it."""
    for name, content in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    shutil.copy(ROOT / "domain.yml", folder)
    shutil.copy(ROOT / "data" / "nlu" / "entities.yml", folder / "data" / "nlu")
    shutil.copytree(ROOT / "data" / "stories", folder / "data" / "stories")
    trained = frontdesk("train", "--project", str(folder))
    assert trained.returncode == 0, trained.stderr
    return folder
