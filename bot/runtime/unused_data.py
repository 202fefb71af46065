"""Training data that no part of the configuration learns from, as Rasa warns of it before training."""

from __future__ import annotations

from collections.abc import Iterator

from bot.dialogue.events import ActionExecuted, UserUttered
from bot.errors import Finding, Location, Severity
from bot.nlu.plan import PipelinePlan
from bot.training_data.project import Project

_END_TO_END = "TEDPolicy"


def unused_data(project: Project, plan: PipelinePlan) -> Iterator[Finding]:
    """Yield a warning for each kind of data that the pipeline or the policies leave out.

    A component of the project's own may use anything, so beside one nothing is said of the pipeline.
    """
    if not plan.own:
        for problem in _in_pipeline(project, plan):
            yield _warning(problem, project.config.locations.get("pipeline", project.config.location))
    named = {policy.name for policy in project.config.policies}
    is_own = any("." in name and not name.startswith("rasa.") for name in named)
    if not is_own and not any(name.endswith(_END_TO_END) for name in named):
        place = _end_to_end_turn(project)
        if place is not None:
            words = f"this end-to-end turn is learnt by no policy; add '{_END_TO_END}' to the policies"
            yield _warning(words, place)


def _in_pipeline(project: Project, plan: PipelinePlan) -> Iterator[str]:
    data = project.nlu
    learns, looks_up = plan.understanding.entity_recognition, plan.lookup is not None
    if any(example.entities for example in data.examples) and not (learns or looks_up):
        yield "sentences have entities, but no component finds them; add 'DIETClassifier' to the pipeline"
    if (data.regexes or data.lookups) and not (learns or looks_up):
        yield "regexes and lookup tables are used by no component; add 'RegexEntityExtractor' to the pipeline"
    if data.synonyms and not plan.synonyms:
        yield "synonyms are used by no component; add 'EntitySynonymMapper' to the pipeline"
    if any("/" in example.intent for example in data.examples) and not plan.selectors:
        yield "no component answers retrieval intents; add 'ResponseSelector' to the pipeline"


def _end_to_end_turn(project: Project) -> Location | None:
    for step in project.steps:
        for event, place in zip(step.events, step.event_locations, strict=True):
            is_said = isinstance(event, UserUttered) and event.text and event.intent_name is None
            if is_said or (isinstance(event, ActionExecuted) and event.action_text):
                return place
    return None


def _warning(problem: str, place: Location | None) -> Finding:
    return Finding("unused-data", problem, place, Severity.WARNING)
