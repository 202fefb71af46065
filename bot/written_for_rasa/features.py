"""Features: a matrix for one attribute of a message, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from bot.written_for_rasa.constants import FEATURE_TYPE_SEQUENCE


class Features:
    """A matrix (tokens or 1, width) of one attribute; `origin` names who made it."""

    def __init__(self, features: Any, feature_type: str, attribute: str, origin: str | list[str]) -> None:
        self.features = features
        self.type = feature_type
        self.attribute = attribute
        self.origin = origin

    def is_sparse(self) -> bool:
        """Whether the matrix is one of SciPy's sparse ones."""
        return bool(scipy.sparse.issparse(self.features))

    def is_dense(self) -> bool:
        """Whether it is not."""
        return not self.is_sparse()

    def combine_with_features(self, additional_features: Features | None) -> None:
        """Put other features of the same kind beside these.

        Raises:
            ValueError: One is dense and the other sparse, or they have different numbers of rows.
        """
        if additional_features is None:
            return
        if self.is_dense() != additional_features.is_dense():
            raise ValueError("dense and sparse features cannot stand beside each other")
        join = np.hstack if self.is_dense() else scipy.sparse.hstack
        self.features = join((self.features, additional_features.features))

    @property
    def is_sequence(self) -> bool:
        """Whether there is a row for each token."""
        return self.type == FEATURE_TYPE_SEQUENCE
