"""A project that has one of everything, so that accidents to it reach every reader."""

from __future__ import annotations

from bot.dialogue.messages import JSON

EXAMPLES = '- hello\n- I want [small](size)\n- [big]{"entity": "size", "value": "L", "role": "r"} 大\n'
RICH: dict[str, JSON] = {
    "domain.yml": {
        "version": "3.1",
        "intents": [
            "greet",
            {"order": {"use_entities": ["size"]}},
            "faq",
            {"bye": {"ignore_entities": ["city"]}},
        ],
        "entities": ["size", {"city": {"roles": ["from"], "groups": ["g"], "influence_conversation": False}}],
        "slots": {
            "size": {
                "type": "categorical",
                "values": ["a", "b"],
                "initial_value": "a",
                "influence_conversation": True,
                "mappings": [
                    {
                        "type": "from_entity",
                        "entity": "size",
                        "role": "r",
                        "group": "g",
                        "intent": ["greet"],
                        "not_intent": "bye",
                        "conditions": [{"active_loop": "order_form", "requested_slot": "size"}],
                    }
                ],
            },
            "number": {
                "type": "float",
                "min_value": 0.0,
                "max_value": 2.0,
                "mappings": [
                    {"type": "from_intent", "intent": "greet", "value": 1.0},
                    {"type": "custom", "action": "action_do"},
                    {"type": "from_trigger_intent", "value": True, "intent": "greet"},
                ],
            },
            "own": {"type": "my.own.Slot", "mappings": [{"type": "custom"}]},
            "any": {"type": "any", "mappings": [{"type": "from_text"}]},
        },
        "forms": {"order_form": {"required_slots": ["size"], "ignored_intents": ["bye"]}},
        "responses": {
            "utter_hi": [
                {
                    "text": "hello {size}",
                    "id": "1",
                    "image": "i",
                    "channel": "rest",
                    "metadata": {"a": 1},
                    "custom": {"a": 1},
                    "buttons": [{"title": "t", "payload": '/order{"size": "a"}'}],
                    "quick_replies": [{"title": "t", "payload": "p"}],
                    "attachment": {"type": "x", "payload": {"src": "y"}},
                    "elements": [{"title": "t", "buttons": [{"title": "z", "payload": "q"}]}],
                    "condition": [{"type": "slot", "name": "size", "value": "a"}],
                }
            ],
            "utter_ask_size": [{"text": "?"}],
            "utter_faq/price": [{"text": "1"}],
        },
        "actions": ["action_do", {"action_more": {"send_domain": True}}],
        "e2e_actions": ["hi there"],
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
        "config": {"store_entities_as_slots": True},
    },
    "config.yml": {
        "recipe": "default.v1",
        "language": "en",
        "assistant_id": "a",
        "importers": [{"name": "RasaFileImporter"}],
        "policies": [
            {"name": "MemoizationPolicy", "max_history": 3, "priority": 2},
            {
                "name": "RulePolicy",
                "core_fallback_threshold": 0.3,
                "core_fallback_action_name": "action_default_fallback",
                "enable_fallback_prediction": True,
                "restrict_rules": True,
            },
            {"name": "TEDPolicy", "epochs": 1, "featurizer": [{"name": "x", "max_history": 2}]},
            {"name": "UnexpecTEDIntentPolicy", "tolerance": 0.1, "ignore_intents_list": ["a"]},
        ],
        "pipeline": [
            {"name": "WhitespaceTokenizer", "intent_tokenization_flag": True},
            {"name": "LanguageModelFeaturizer", "model_name": "bert", "model_weights": "x"},
            {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1},
            {"name": "DIETClassifier", "epochs": 1, "entity_recognition": True},
            {"name": "DucklingEntityExtractor", "dimensions": ["email"], "url": "http://x"},
            {"name": "BuiltinEntities", "dimensions": ["email"], "regions": ["DE"]},
            {"name": "RegexEntityExtractor"},
            {"name": "EntitySynonymMapper"},
            {"name": "ResponseSelector", "retrieval_intent": "faq", "epochs": 1},
            {"name": "FallbackClassifier", "threshold": 0.3},
        ],
    },
    "data/stories.yml": {
        "version": "3.1",
        "stories": [
            {
                "story": "one",
                "metadata": {"a": 1},
                "steps": [
                    {"checkpoint": "c", "slot_was_set": [{"size": "a"}]},
                    {
                        "intent": "greet",
                        "entities": [{"size": "a", "role": "r", "group": "g"}, {"city": "b"}],
                    },
                    {"action": "utter_hi"},
                    {"or": [{"intent": "order"}, {"intent": "bye"}, {"slot_was_set": [{"size": "b"}]}]},
                    {"slot_was_set": [{"size": "a"}, "number", {"number": None}]},
                    {"active_loop": "order_form"},
                    {"active_loop": None},
                    {"user": "hello [x](size)", "intent": "greet"},
                    {"bot": "hi there"},
                    {"checkpoint": "d"},
                ],
            },
            {
                "story": "two",
                "steps": [{"intent": "faq/price"}, {"action": "utter_faq"}, {"checkpoint": "c"}],
            },
        ],
    },
    "data/rules.yml": {
        "version": "3.1",
        "rules": [
            {
                "rule": "r",
                "conversation_start": True,
                "wait_for_user_input": False,
                "condition": [{"active_loop": "order_form"}, {"slot_was_set": [{"size": "a"}]}],
                "steps": [{"intent": "bye"}, {"action": "action_do"}],
            }
        ],
    },
    "data/nlu.yml": {
        "version": "3.1",
        "nlu": [
            {"intent": "greet", "examples": EXAMPLES},
            {
                "intent": "order",
                "metadata": {"a": 1},
                "examples": [{"text": "x\n", "metadata": {"sentiment": "p"}}, {"text": "- y\n"}],
            },
            {"intent": "faq/price", "examples": "- cost\n"},
            {"lookup": "size", "examples": "- small\n"},
            {"synonym": "L", "examples": "- big\n"},
            {"regex": "zip", "examples": "- \\d{5}\n"},
        ],
        "responses": {"utter_faq/price": [{"text": "5"}]},
    },
    "data/old.json": {
        "rasa_nlu_data": {
            "common_examples": [
                {
                    "text": "hey",
                    "intent": "greet",
                    "entities": [{"start": 0, "end": 3, "value": "hey", "entity": "size"}],
                }
            ],
            "regex_features": [{"name": "a", "pattern": "b"}],
            "lookup_tables": [{"name": "a", "elements": ["b"]}],
            "entity_synonyms": [{"value": "a", "synonyms": ["b"]}],
        }
    },
}
