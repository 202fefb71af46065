"""The network of the learnt policies as it serves: a graph for ONNX Runtime, without torch.

A transformer of one block (Vlasov et al. 2019, Dialogue Transformers); `ted_graph` writes it.

Axes: T turns, F feature columns, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from bot.errors import ModelError
from bot.policies.learnt_options import NETWORK_FORMAT
from bot.policies.state_files import read_json, rule_only_as_json, rule_only_from_json, write_json
from bot.policies.states import State
from bot.policies.ted_features import FeatureSpace, FloatArray
from bot.policies.turns import RuleOnly
from bot.training_data.warm_start import WarmStart
from language.sessions import open_session

FACTS = "ted.json"
ROWS, SCORES, TURNS = "rows", "scores", "turns"  # the graph's input, its output, and a fact that it carries
_GRAPH = "ted.onnx"
_FIRST_FORMAT = 1  # did not say so
_REMEMBERED = 1024  # sequences of states, a few kilobytes each


class Network:
    """A trained network, opened; `graph` are the bytes of its file. Several threads may ask it at once."""

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._session = open_session(graph)

    @cached_property
    def turns(self) -> int:
        """How many turns it looks back, the latest included."""
        return int(self._session.get_modelmeta().custom_metadata_map[TURNS])

    def scores(self, rows: FloatArray) -> FloatArray:
        """Return the score of each label (L,) after the last row of (T, F)."""
        scores: FloatArray = self._session.run(None, {ROWS: rows[-self.turns :]})[0]
        return scores

    def save(self, path: Path) -> None:
        """Write the graph with the weights in it."""
        path.write_bytes(self.graph)

    @classmethod
    def load(cls, path: Path, columns: int, labels: int) -> Network:
        """Read it back.

        Raises:
            ModelError: The file is missing or broken, or a graph for other columns or labels.
        """
        try:
            network = cls(path.read_bytes())
        # ONNX Runtime raises plain exceptions for files that are not its own, of whatever kind.
        except Exception as error:
            raise ModelError(f"{path}: cannot be read ({error}); train the model again") from error
        expected = {ROWS: [TURNS, columns], SCORES: [labels]}
        if network._ends() != expected:
            raise ModelError(
                f"{path}: found a graph with {network._ends()}, expected {expected}; train the model again"
            )
        return network

    def _ends(self) -> dict[str, list[int | str | None]]:
        """Return the shape of each input and output by its name."""
        session = self._session
        return {end.name: end.shape for end in (*session.get_inputs(), *session.get_outputs())}


@dataclass(frozen=True)
class LearntModel:
    """A network with all that is needed to ask it: the feature columns, its labels, what it overlooks."""

    space: FeatureSpace
    labels: tuple[str, ...]
    network: Network
    rule_only: RuleOnly

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Return the score of each label (L,) after these states; without any, nothing has happened yet."""
        return self._remembered(tuple(states) or (State(),))

    @cached_property
    def _remembered(self) -> Callable[[tuple[State, ...]], FloatArray]:
        """Conversations go the same ways again and again: what was reckoned lately need not be again."""
        return lru_cache(_REMEMBERED)(lambda states: self.network.scores(self.space.rows(states)))

    def save(self, folder: Path) -> None:
        """Write `ted.json` and `ted.onnx`."""
        facts = {
            "format": NETWORK_FORMAT,
            "space": self.space.as_json(),
            "labels": list(self.labels),
            "rule_only": rule_only_as_json(self.rule_only),
        }
        write_json(folder / FACTS, facts)
        self.network.save(folder / _GRAPH)

    @classmethod
    def load(cls, folder: Path) -> LearntModel | None:
        """Read it back; None where there was nothing to learn from.

        Raises:
            ModelError: A file is missing, broken, or of another format.
        """
        data = read_json(folder / FACTS)
        if data is None:
            return None
        try:
            found = data.get("format", _FIRST_FORMAT)
            if found != NETWORK_FORMAT:
                told = f"format {found} found, {NETWORK_FORMAT} expected; train the model again"
                raise ModelError(f"{folder / FACTS}: {told}")
            space, labels = FeatureSpace.from_json(data["space"]), tuple(map(str, data["labels"]))
            rule_only = rule_only_from_json(data["rule_only"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{folder / FACTS}: broken ({error!r}); train the model again") from error
        network = Network.load(folder / _GRAPH, space.width, len(labels))
        return cls(space, labels, network, rule_only)


@dataclass(frozen=True)
class Earlier:
    """A model whose weights a training goes on from, and how many epochs it has for that."""

    model: LearntModel
    epochs: int

    @classmethod
    def load(cls, start: WarmStart, epochs: int) -> Earlier | None:
        """Read it; None where that training found nothing to learn.

        Raises:
            ModelError: A file is missing or broken.
        """
        model = LearntModel.load(start.folder)
        return cls(model, start.epochs(epochs)) if model else None


def save_model(model: LearntModel | None, folder: Path) -> None:
    """Write a model, or that there is none."""
    if model is None:
        write_json(folder / FACTS, None)
    else:
        model.save(folder)
