"""How well a model does on test data, in the JSON of Rasa's `/model/test/…`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.dialogue.messages import JSON, Entity, ParseResult
from bot.runtime.evaluate import StepResult
from bot.runtime.evaluate import TestReport as StoryReport
from bot.training_data.nlu_examples import NluExample

NO_ENTITY = "no_entity"
_MEMORIES = ("MemoizationPolicy", "AugmentedMemoizationPolicy")
Parsed = Sequence[tuple[NluExample, ParseResult]]


def score_labels(
    targets: Sequence[str | None],
    predictions: Sequence[str | None],
    *,
    without: str | None = None,
    confusions: bool = False,
) -> JSON:
    """Return precision, recall, F1 and support of each label that was expected, and their averages.

    As scikit-learn's `classification_report` with Rasa's additions: `micro avg` and `accuracy` both stand.
    `without` is left out; with `confusions` each label says what it was most often taken for.
    """
    pairs = [(target or "", predicted or "") for target, predicted in zip(targets, predictions, strict=True)]
    labels = list(dict.fromkeys(target for target, _ in pairs if target != without))
    if not labels:
        return {}
    report: dict[str, JSON] = {label: _scores(pairs, {label}) for label in labels}
    rows = list(report.values())
    support = sum(row["support"] for row in rows)
    averages = {
        "micro avg": _scores(pairs, set(labels)),
        "macro avg": _mean(rows, [1.0] * len(rows), support),
        "weighted avg": _mean(rows, [float(row["support"]) for row in rows], support),
        "accuracy": sum(target == predicted for target, predicted in pairs) / len(pairs),
    }
    if confusions:
        for label in labels:
            report[label]["confused_with"] = _confused_with(label, pairs, without)
    return report | averages


def _scores(pairs: Sequence[tuple[str, str]], labels: set[str]) -> JSON:
    """Return the scores of a label, or of several taken together."""
    right = sum(target == predicted and target in labels for target, predicted in pairs)
    expected = sum(target in labels for target, _ in pairs)
    found = sum(predicted in labels for _, predicted in pairs)
    precision = right / found if found else 0.0
    recall = right / expected if expected else 0.0
    f1 = 2 * right / (expected + found) if right else 0.0
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": expected}


def _mean(rows: Sequence[Mapping[str, float]], weights: Sequence[float], support: int) -> JSON:
    total = sum(weights)
    mean: dict[str, JSON] = {
        name: sum(row[name] * weight for row, weight in zip(rows, weights, strict=True)) / total
        for name in ("precision", "recall", "f1-score")
    }
    return mean | {"support": support}


def _confused_with(label: str, pairs: Sequence[tuple[str, str]], without: str | None) -> dict[str, int]:
    wrong = Counter(
        predicted for target, predicted in pairs if target == label and predicted not in (label, without)
    )
    return dict(wrong.most_common(2))


def _summary(report: Mapping[str, JSON]) -> dict[str, JSON]:
    weighted = report.get("weighted avg") or {}
    return {
        "report": report,
        "precision": weighted.get("precision", 0.0),
        "f1_score": weighted.get("f1-score", 0.0),
        "accuracy": report.get("accuracy", 0.0),
    }


def story_report(tested: StoryReport, *, end_to_end: bool) -> JSON:
    """Return the result of test stories; end to end means that the intents of texts count, too.

    `in_training_data_fraction` is the share of actions that a memoization policy remembered; Rasa 3 always
    says 0.
    """
    steps = [step for story in tested.stories for step in story.judged]
    actions = [step for step in steps if step.is_action]
    judged = [step for step in steps if step.is_action or (end_to_end and _is_user_text(step))]
    report = score_labels([step.expected for step in judged], [step.predicted for step in judged])
    summary = _summary(report)
    summary["f1"] = summary.pop("f1_score")
    remembered = sum(step.policy in _MEMORIES for step in actions)
    return summary | {
        "actions": [
            {
                "action": step.expected,
                "predicted": step.predicted,
                "policy": step.policy,
                "confidence": step.confidence,
            }
            for step in actions
        ],
        "in_training_data_fraction": remembered / len(actions) if actions else 0.0,
        "is_end_to_end_evaluation": end_to_end,
    }


def _is_user_text(step: StepResult) -> bool:
    return step.expected is not None and step.line.startswith("user:")


def nlu_report(parsed: Parsed) -> JSON:
    """Return the result of NLU examples: intents, entities per extractor, and selected responses."""
    return {
        "intent_evaluation": _intents(parsed),
        "entity_evaluation": _entities(parsed),
        "response_selection_evaluation": _responses(parsed),
    }


def _intents(parsed: Parsed) -> JSON:
    rows = [(example, result) for example, result in parsed if example.intent]
    if not rows:
        return None
    targets = [example.intent.partition("/")[0] for example, _ in rows]
    found = [result.intent for _, result in rows]
    predictions = [
        {
            "text": example.text,
            "intent": target,
            "predicted": intent.name,
            "confidence": intent.confidence,
        }
        for (example, _), target, intent in zip(rows, targets, found, strict=True)
    ]
    errors = [
        {"text": row["text"], "intent": row["intent"], "intent_prediction": intent.as_dict()}
        for row, intent in zip(predictions, found, strict=True)
        if row["intent"] != intent.name
    ]
    report = score_labels(targets, [intent.name for intent in found], confusions=True)
    return {"predictions": predictions, **_summary(report), "errors": errors}


def _responses(parsed: Parsed) -> JSON:
    rows = [(example, result) for example, result in parsed if "/" in example.intent]
    if not rows:
        return None
    targets = [example.intent for example, _ in rows]
    chosen = [selected_response(result, example.intent.partition("/")[0]) for example, result in rows]
    keys = [response.get("intent_response_key") for response in chosen]
    predictions = [
        {
            "text": example.text,
            "intent_response_key_target": example.intent,
            "intent_response_key_prediction": key,
            "confidence": response.get("confidence", 0.0),
        }
        for (example, _), key, response in zip(rows, keys, chosen, strict=True)
    ]
    errors = [row for row, target, key in zip(predictions, targets, keys, strict=True) if target != key]
    return {
        "predictions": predictions,
        **_summary(score_labels(targets, keys, confusions=True)),
        "errors": errors,
    }


def selected_response(result: ParseResult, intent: str) -> Mapping[str, JSON]:
    """Return the answer chosen for a retrieval intent, empty without one."""
    selectors = result.response_selector
    chosen = selectors.get(intent) or selectors.get("default") or {}
    return chosen.get("response") or {}


def _entities(parsed: Parsed) -> JSON:
    """Return one report per extractor, word by word."""
    return {name: _extractor(parsed, name) for name in extractors_of(parsed)} or None


def extractors_of(parsed: Parsed) -> list[str]:
    """Return who found entities; those about whole messages have no words to be judged by."""
    found = (entity for _, result in parsed for entity in result.entities if entity.start is not None)
    return sorted({str(entity.extractor) for entity in found})


def _extractor(parsed: Parsed, extractor: str) -> JSON:
    targets: list[str | None] = []
    predictions: list[str | None] = []
    errors: list[JSON] = []
    for example, result in parsed:
        found = [entity for entity in result.entities if entity.extractor == extractor]
        words = words_of(result)
        expected_labels = [label_of(word, example.entities) for word in words]
        found_labels = [label_of(word, found) for word in words]
        targets += expected_labels
        predictions += found_labels
        if expected_labels != found_labels:
            errors.append(
                {
                    "text": example.text,
                    "entities": [entity.as_dict() for entity in example.entities],
                    "predicted_entities": [entity.as_dict() for entity in found],
                }
            )
    report = score_labels(targets, predictions, without=NO_ENTITY, confusions=True)
    return {**_summary(report), "errors": errors}


def words_of(result: ParseResult) -> Sequence[tuple[int, int]]:
    """Return the character spans of a text's words."""
    return result.text_tokens or [match.span() for match in re.finditer(r"\w+", result.text)]


def label_of(word: tuple[int, int], entities: Iterable[Entity]) -> str:
    """Return the type of the entity that covers a word, with group and role, or `no_entity`."""
    for entity in entities:
        start, end = entity.start, entity.end
        if start is not None and end is not None and start <= word[0] and word[1] <= end:
            return ".".join(part for part in (entity.entity, entity.group, entity.role) if part)
    return NO_ENTITY
