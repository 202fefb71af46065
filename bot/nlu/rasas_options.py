"""The options of Rasa's own components, which do nothing here: known, so that a misspelled one is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.errors import Finding, Severity, nearest
from bot.nlu.registry import DUCKLING, is_rasas
from bot.training_data.config_file import ComponentConfig

_TENSORFLOW = """
    BILOU_flag batch_size batch_strategy checkpoint_model concat_dimension connection_density
    constrain_similarities dense_dimension drop_rate drop_rate_attention drop_small_last_batch
    embedding_dimension entity_recognition epochs evaluate_every_number_of_epochs
    evaluate_on_number_of_examples featurizers hidden_layers_sizes intent_classification learning_rate
    loss_type max_relative_position maximum_negative_similarity maximum_positive_similarity
    model_confidence negative_margin_scale number_of_attention_heads number_of_negative_examples
    number_of_transformer_layers random_seed ranking_length regularization_constant
    renormalize_confidences run_eagerly scale_loss share_hidden_layers similarity_type
    split_entities_by_comma tensorboard_log_directory tensorboard_log_level transformer_size
    unidirectional_encoder use_dense_input_dropout use_key_relative_attention use_masked_language_model
    use_maximum_negative_similarity use_sparse_input_dropout use_text_as_label
    use_value_relative_attention retrieval_intent
"""
_OTHERS = """
    C L1_c L2_c OOV_token OOV_words alias ambiguity_threshold analyzer cache_dir case_sensitive
    dictionary_path dimensions features gamma intent_split_symbol intent_tokenization_flag kernels locale
    lowercase max_cross_validation_folds max_df max_features max_iter max_iterations max_ngram min_df
    min_ngram model model_name model_url model_weights num_threads pooling prefix_separator_symbol
    random_state scoring_function solver stop_words strip_accents threshold timeout timezone
    token_pattern tol url use_lemma use_lookup_tables use_regexes use_shared_vocab use_word_boundaries
"""
OPTIONS = (*_TENSORFLOW.split(), *_OTHERS.split())
_DIMENSIONS = (
    *DUCKLING, "distance", "duration", "ordinal", "quantity", "temperature", "volume", "url",
    "credit-card-number", "time-grain",
)  # fmt: skip


def misspelled_options(pipeline: Sequence[ComponentConfig]) -> Iterator[Finding]:
    """Yield warnings: options that resemble one of Rasa's, and dimensions that only Duckling finds."""
    for line in pipeline:
        if not is_rasas(line):
            continue
        for option in line.options:
            hint = "" if option in OPTIONS else nearest(option, OPTIONS)
            if hint:
                yield _warning(line, f"has no option '{option}'{hint}")
        dimensions = line.options.get("dimensions") if line.name.endswith("DucklingEntityExtractor") else ()
        for name in dimensions if isinstance(dimensions, list) else ():
            if name not in DUCKLING:
                hint = "" if name in _DIMENSIONS else nearest(str(name), _DIMENSIONS)
                yield _warning(
                    line, f"finds no dimension '{name}'{hint}; here it finds {', '.join(DUCKLING)}"
                )


def _warning(line: ComponentConfig, problem: str) -> Finding:
    return Finding("pipeline-option", f"{line.name} {problem}", line.location, Severity.WARNING)
