"""The words that policies use for actions, slots and states."""

from __future__ import annotations

from bot.dialogue.domain import ACTION_LISTEN, DEFAULT_ACTIONS, DEFAULT_INTENTS, REQUESTED_SLOT, RULE_SNIPPET
from bot.training_data.story_branch import SHOULD_NOT_BE_SET

__all__ = ["REQUESTED_SLOT", "SHOULD_NOT_BE_SET"]

ACTION_LISTEN_NAME = ACTION_LISTEN
ACTION_RESTART_NAME = "action_restart"
ACTION_SESSION_START_NAME = "action_session_start"
ACTION_DEFAULT_FALLBACK_NAME = "action_default_fallback"
ACTION_DEACTIVATE_LOOP_NAME = "action_deactivate_loop"
ACTION_REVERT_FALLBACK_EVENTS_NAME = "action_revert_fallback_events"
ACTION_DEFAULT_ASK_AFFIRMATION_NAME = "action_default_ask_affirmation"
ACTION_DEFAULT_ASK_REPHRASE_NAME = "action_default_ask_rephrase"
ACTION_BACK_NAME = "action_back"
ACTION_TWO_STAGE_FALLBACK_NAME = "action_two_stage_fallback"
ACTION_UNLIKELY_INTENT_NAME = "action_unlikely_intent"
ACTION_EXTRACT_SLOTS = "action_extract_slots"
ACTION_VALIDATE_SLOT_MAPPINGS = "action_validate_slot_mappings"
RULE_SNIPPET_ACTION_NAME = RULE_SNIPPET
DEFAULT_ACTION_NAMES = list(DEFAULT_ACTIONS)

USER_INTENT_RESTART, USER_INTENT_BACK = "restart", "back"
USER_INTENT_OUT_OF_SCOPE, USER_INTENT_SESSION_START = "out_of_scope", "session_start"
DEFAULT_INTENT_NAMES = list(DEFAULT_INTENTS)

USER, SLOTS, PREVIOUS_ACTION, ACTIVE_LOOP, LOOP_NAME = "user", "slots", "prev_action", "active_loop", "name"
LOOP_INTERRUPTED, LOOP_REJECTED, TRIGGER_MESSAGE = "is_interrupted", "rejected", "trigger_message"
FOLLOWUP_ACTION, IS_EXTERNAL, ENTITY_LABEL_SEPARATOR = "followup_action", "is_external", "#"
USE_TEXT_FOR_FEATURIZATION = "use_text_for_featurization"
RULE_ONLY_SLOTS, RULE_ONLY_LOOPS = "rule_only_slots", "rule_only_loops"

DEFAULT_POLICY_PRIORITY, POLICY_PRIORITY = 1, "priority"
POLICY_FEATURIZER, POLICY_MAX_HISTORY = "featurizer", "max_history"
UNLIKELY_INTENT_POLICY_PRIORITY, MEMOIZATION_POLICY_PRIORITY, RULE_POLICY_PRIORITY = 2, 3, 4
DEFAULT_CORE_FALLBACK_THRESHOLD = DEFAULT_NLU_FALLBACK_THRESHOLD = 0.3
DEFAULT_MAX_HISTORY = None
