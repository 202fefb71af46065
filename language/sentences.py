"""Sentence ends, for scripts with and without spaces."""

from __future__ import annotations

import re

from language.tokens import Span

_INNER = r"[^.!?。！？…\n]*"
_END = r"[.!?。！？…]*[\"'”’)）]*"
_SENTENCE = re.compile(rf"{_INNER}(?:[.!?](?=[A-Za-z0-9]){_INNER})*{_END}")


def sentence_spans(text: str) -> list[Span]:
    """Split a text at the ends of its sentences, outer spaces left out; a dot inside a word ends nothing."""
    spans = []
    for match in _SENTENCE.finditer(text):
        piece = match.group()
        if piece.strip():
            start = match.start() + len(piece) - len(piece.lstrip())
            spans.append((start, start + len(piece.strip())))
    return spans
