"""Answers to common questions: the best response key of a retrieval intent, in Rasa's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.dialogue.messages import JSON

DEFAULT = "default"


def retrieval_intent(label: str) -> str | None:
    """Return `faq` for `faq/opening_hours`, None for a plain intent."""
    intent, slash, _ = label.partition("/")
    return intent if slash else None


def intent_ranking(chances: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return intents from best to worst; the keys of a retrieval intent are added up under its name."""
    totals: dict[str, float] = {}
    for label, chance in chances.items():
        name = retrieval_intent(label) or label
        totals[name] = totals.get(name, 0.0) + chance
    return sorted(totals.items(), key=lambda pair: -pair[1])


def select_responses(
    chances: Mapping[str, float], keys: Sequence[str], responses: Mapping[str, Sequence[str]]
) -> dict[str, JSON]:
    """Build Rasa's `response_selector` for each configured key: a retrieval intent, or `default` for all.

    Confidences are those of the response keys given that the message belongs to the selector. A key without
    training examples is left out; without any retrieval intent the result is empty.
    """
    retrieval = sorted({name for label in chances if (name := retrieval_intent(label))})
    selected: dict[str, JSON] = {}
    for key in keys:
        wanted = retrieval if key == DEFAULT else [key]
        part = {label: chance for label, chance in chances.items() if retrieval_intent(label) in wanted}
        if part:
            selected[key] = _selection(part, responses)
    return {"all_retrieval_intents": retrieval, **selected} if selected else {}


def _selection(part: Mapping[str, float], responses: Mapping[str, Sequence[str]]) -> JSON:
    total = sum(part.values()) or 1.0
    ranking = sorted(((chance / total, label) for label, chance in part.items()), reverse=True)
    confidence, best = ranking[0]
    texts = [{"text": text} for text in responses.get(best, ())]
    return {
        "response": {
            "responses": texts or None,
            "confidence": confidence,
            "intent_response_key": best,
            "utter_action": f"utter_{best}",
        },
        "ranking": [{"confidence": chance, "intent_response_key": label} for chance, label in ranking],
    }
