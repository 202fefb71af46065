"""Characters that a backbone's vocabulary lacks get pieces and embeddings of their own. Training only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import AddedToken

FIRST_NEW_PIECE = "first_new_piece"  # in a backbone's config.json: pieces from this id on are new characters


def unknown_characters(tokenizer: Any, texts: Sequence[str], *, at_least: int, at_most: int) -> list[str]:
    """Return the characters that the vocabulary cannot spell, most frequent first; so many texts hold each.

    A word with one such character is one unknown piece as a whole in most vocabularies, whatever its other
    letters tell.
    """
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return []
    counts = Counter(character for text in texts for character in set(text))
    frequent = [character for character, count in counts.items() if count >= at_least]
    lacking = [
        character
        for character in frequent
        if unknown in tokenizer(character, add_special_tokens=False)["input_ids"]
    ]
    return sorted(lacking, key=lambda character: (-counts[character], character))[:at_most]


def add_characters(backbone: Any, tokenizer: Any, characters: Sequence[str]) -> None:
    """Give each character a piece and an embedding, in place; the configuration says where they begin.

    The embeddings are drawn around the mean of those that are there, as far from it as they are: distinct
    from each other, and of a kind the layers above know.
    """
    if not characters:
        return
    if getattr(backbone.config, FIRST_NEW_PIECE, None) is None:
        setattr(backbone.config, FIRST_NEW_PIECE, len(tokenizer))
    # Not normalized: a text is cut at these characters as they stand, so offsets stay exact.
    tokenizer.add_tokens([AddedToken(character, normalized=False) for character in characters])
    known: torch.Tensor = backbone.get_input_embeddings().weight.detach().clone()  # (V, H)
    backbone.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    embeddings = backbone.get_input_embeddings().weight  # (V + new, H)
    added = len(embeddings) - len(known)
    drawn = known.mean(dim=0) + torch.randn(added, known.shape[1]) * known.std(dim=0)
    with torch.no_grad():
        embeddings[len(known) :] = drawn
