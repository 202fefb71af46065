"""Every setting of a served assistant, read in one place: `endpoints.yml`, `credentials.yml`, environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.delivery.webhooks import WebhookSettings, read_webhooks
from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.runtime.custom_actions import ActionEndpoint
from bot.runtime.http_endpoint import DEFAULT_TIMEOUT_S, HttpEndpoint
from bot.runtime.model_server import DEFAULT_WAIT_S, ModelServerOptions
from bot.runtime.options import place_of, read_options
from bot.runtime.processor import DEFAULT_MAX_PREDICTIONS
from bot.runtime.stores.registry import (
    EVENT_BROKERS,
    LOCK_STORES,
    TRACKER_STORES,
    BrokerOptions,
    LockOptions,
    TrackerStoreOptions,
)
from bot.server.attachments import AttachmentOptions
from bot.training_data.yaml_files import read_yaml
from desk.options import DeskOptions

ENDPOINTS, CREDENTIALS = "endpoints.yml", "credentials.yml"

logger = logging.getLogger(__name__)

CRM_URL = "FRONTDESK_CRM_URL"
MAX_PREDICTIONS = "MAX_NUMBER_OF_PREDICTIONS"
COMPRESS = "COMPRESS_ACTION_SERVER_REQUEST"
LOG_LEVEL = "LOG_LEVEL"
LIBRARY_LOG_LEVEL = "LOG_LEVEL_LIBRARIES"
JSON_LOGS = "FORCE_JSON_LOGGING"
LOG_CONFIG = "FRONTDESK_LOG_CONFIG"
WAIT = "wait_time_between_pulls"
DEFAULT_CREDENTIALS: Mapping[str, JSON] = {"rest": None, "web_widget": None}

_ENDPOINTS = (
    *("action_endpoint", "attachments", "desk", "event_broker", "lock_store", "models", "nlg", "nlu"),
    *("tracker_store", "webhooks"),
)
ACTION_KEYS = (
    "package", "url", "timeout", "headers", "params", "token", "token_name", "basic_auth", "cafile",
    "enable_selective_domain",
)  # fmt: skip
# A year: what lies beyond is no time that anything waits.
_LONGEST_S = 366 * 24 * 3600
_HTTP_KEYS = ("url", "timeout", "headers", "params", "token", "token_name", "basic_auth", "cafile", "type")


@dataclass(frozen=True, slots=True)
class ActionPackage:
    """A Python package whose actions run in this process; `timeout_s` bounds each call."""

    package: str
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the environment says about logs; levels are those of the standard library.

    A `file` says by itself where they go, and the rest does not count.
    """

    as_json: bool = False
    level: int = logging.INFO
    library_level: int = logging.WARNING
    file: Path | None = None

    @classmethod
    def from_environment(cls) -> LogSettings:
        """Read `LOG_LEVEL`, `LOG_LEVEL_LIBRARIES`, `FORCE_JSON_LOGGING` and `FRONTDESK_LOG_CONFIG`.

        Raises:
            SettingsError: A level or the switch is none.
        """
        file = os.environ.get(LOG_CONFIG)
        return cls(
            _switch(JSON_LOGS),
            _level(LOG_LEVEL, logging.INFO),
            _level(LIBRARY_LOG_LEVEL, logging.WARNING),
            Path(file) if file else None,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can set. `actions` is None where a project has no actions of its own.

    Without a `tracker_store` conversations live in the CRM, without a `lock_store` their order is held
    within this process, without `nlg` the domain writes the responses, without `nlu` the model understands,
    without `model_server` models are those of the folder.
    """

    root: Path
    models: Path
    crm_url: str
    actions: ActionPackage | ActionEndpoint | None = None
    credentials: Mapping[str, JSON] = field(default_factory=lambda: dict(DEFAULT_CREDENTIALS))
    max_predictions: int = DEFAULT_MAX_PREDICTIONS
    tracker_store: TrackerStoreOptions | None = None
    lock_store: LockOptions | None = None
    event_broker: BrokerOptions | None = None
    nlg: HttpEndpoint | None = None
    nlu: HttpEndpoint | None = None
    attachments: AttachmentOptions = field(default_factory=AttachmentOptions)
    desk: DeskOptions | None = None
    webhooks: Mapping[str, WebhookSettings] = field(default_factory=dict)
    model_server: ModelServerOptions | None = None

    @classmethod
    def read(
        cls,
        root: Path,
        *,
        models: Path | None = None,
        endpoints: str = ENDPOINTS,
        credentials: str = CREDENTIALS,
        connector: str | None = None,
    ) -> Settings:
        """Read the settings of a project folder; missing files leave the defaults.

        A `connector` is the only channel that is opened, with its section of the file if it has one.

        Raises:
            SettingsError: A value is wrong.
            InvalidProject: A file is not YAML.
        """
        sections = _mapping(root / endpoints, is_named=endpoints != ENDPOINTS)
        channels = _mapping(root / credentials, is_named=credentials != CREDENTIALS)
        if connector:
            channels = {connector: channels.get(connector)}
        for name in sections:
            if name not in _ENDPOINTS:
                _pass_over(f"{place_of(sections, name)}: unknown section '{name}'", str(name), _ENDPOINTS)
        return cls(
            root=root,
            models=models or root / "models",
            crm_url=os.environ.get(CRM_URL) or f"sqlite:///{root.resolve() / 'crm.db'}",
            actions=_actions(sections),
            credentials=channels or dict(DEFAULT_CREDENTIALS),
            max_predictions=_whole_number(MAX_PREDICTIONS, DEFAULT_MAX_PREDICTIONS),
            tracker_store=TRACKER_STORES.read(sections),
            lock_store=LOCK_STORES.read(sections),
            event_broker=EVENT_BROKERS.read(sections),
            nlg=_nlg(sections),
            nlu=_server("nlu", sections),
            attachments=_attachments(sections),
            desk=_desk(sections),
            webhooks=read_webhooks(sections.get("webhooks")),
            model_server=_model_server(sections),
        )


def _mapping(path: Path, *, is_named: bool) -> Mapping[str, JSON]:
    if is_named and not path.exists():
        raise SettingsError(f"{path}: there is no such file")
    content = read_yaml(path) if path.exists() else None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name}:1: expected a mapping of names to settings, found {content!r}")
    return content


def _attachments(sections: Mapping[str, JSON]) -> AttachmentOptions:
    section = sections.get("attachments")
    if section is not None and not isinstance(section, Mapping):
        raise SettingsError(f"{_where(sections, 'attachments')} is {section!r}, expected its settings")
    return read_options(AttachmentOptions, section or {}, "attachments")


def _desk(sections: Mapping[str, JSON]) -> DeskOptions | None:
    """Read `desk`; the bare name opens one with every default."""
    if "desk" not in sections:
        return None
    section = sections["desk"]
    if section is not None and not isinstance(section, Mapping):
        raise SettingsError(f"{_where(sections, 'desk')} is {section!r}, expected its settings")
    return read_options(DeskOptions, section or {}, "desk")


def _actions(sections: Mapping[str, JSON]) -> ActionPackage | ActionEndpoint | None:
    name = "action_endpoint"
    section = sections.get(name)
    if section is None:
        return None
    if not isinstance(section, dict) or not {"package", "url"} & set(section):
        raise SettingsError(f"{_where(sections, name)} is {section!r}, expected 'url:' or 'package:'")
    _check_keys(name, section, ACTION_KEYS)
    if "package" in section:
        return ActionPackage(str(section["package"]), _timeout_s(name, section))
    selective = bool(section.get("enable_selective_domain"))
    return ActionEndpoint(
        **_connection(name, section), selective_domain=selective, compressed=_switch(COMPRESS)
    )


def _nlg(sections: Mapping[str, JSON]) -> HttpEndpoint | None:
    """Read `nlg`; `{type: response}` is Rasa's name for the domain's own responses."""
    section = sections.get("nlg")
    if isinstance(section, dict) and section.get("type") == "response":
        return None
    return _server("nlg", sections)


def _server(
    name: str, sections: Mapping[str, JSON], known: Sequence[str] = _HTTP_KEYS
) -> HttpEndpoint | None:
    section = sections.get(name)
    if section is None:
        return None
    if not isinstance(section, dict) or not section.get("url"):
        raise SettingsError(f"{_where(sections, name)} is {section!r}, expected 'url:'")
    kind = section.get("type")
    if kind not in (None, "callback", "http"):
        found = f"{place_of(section, 'type')}: {name}.type is {kind!r}"
        raise SettingsError(f"{found}, expected a server: leave it out")
    _check_keys(name, section, known)
    return HttpEndpoint(**_connection(name, section))


def _model_server(sections: Mapping[str, JSON]) -> ModelServerOptions | None:
    """Read `models`; `wait_time_between_pulls: null` asks once."""
    endpoint = _server("models", sections, (*_HTTP_KEYS, WAIT))
    if endpoint is None:
        return None
    section = sections["models"]
    wait_s = section.get(WAIT, DEFAULT_WAIT_S)
    is_number = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
    if wait_s is not None and not (is_number and 0 < wait_s < _LONGEST_S):
        found = f"{place_of(section, WAIT)}: models.{WAIT} is {wait_s!r}"
        raise SettingsError(f"{found}, expected seconds above 0, or null")
    return ModelServerOptions(endpoint, wait_s)


def _where(sections: Mapping[str, JSON], name: str) -> str:
    return f"{place_of(sections, name)}: {name}"


def _check_keys(name: str, section: Mapping[str, JSON], known: Sequence[str]) -> None:
    for key in section:
        if key not in known:
            _pass_over(f"{place_of(section, key)}: {name} has no setting '{key}'", str(key), known)


def _pass_over(problem: str, name: str, known: Sequence[str]) -> None:
    """Refuse a slip of the hand; another name is passed over as in Rasa, where other programs read theirs."""
    guess = nearest(name, known)
    if guess:
        raise SettingsError(problem + guess)
    logger.warning("%s; it is passed over", problem)


def _connection(name: str, section: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the arguments of an `HttpEndpoint`."""
    texts = {key: _kind(name, section, key, str) for key in ("token", "token_name", "cafile")}
    maps = {key: _kind(name, section, key, dict) or {} for key in ("headers", "params", "basic_auth")}
    return {
        "url": str(section["url"]),
        "timeout_s": _timeout_s(name, section),
        "headers": {str(key): str(value) for key, value in maps["headers"].items()},
        "params": maps["params"],
        "token": texts["token"],
        "token_name": texts["token_name"] or "token",
        "username": maps["basic_auth"].get("username"),
        "password": maps["basic_auth"].get("password"),
        "cafile": texts["cafile"],
    }


def _kind(name: str, section: Mapping[str, JSON], key: str, expected: type) -> JSON:
    value = section.get(key)
    if expected is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, expected):
        words = "text" if expected is str else "a mapping"
        raise SettingsError(f"{place_of(section, key)}: {name}.{key} is {value!r}, expected {words}")
    return value


def _timeout_s(name: str, section: Mapping[str, JSON]) -> float:
    timeout_s = section.get("timeout", DEFAULT_TIMEOUT_S)
    is_number = isinstance(timeout_s, int | float) and not isinstance(timeout_s, bool)
    if not is_number or not 0 < timeout_s < _LONGEST_S:
        found = f"{place_of(section, 'timeout')}: {name}.timeout is {timeout_s!r}"
        raise SettingsError(f"{found}, expected seconds above 0")
    return float(timeout_s)


def _whole_number(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{variable} is {text!r}, expected a whole number from 1")
    return int(text)


def _switch(variable: str) -> bool:
    text = os.environ.get(variable, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise SettingsError(f"{variable} is {text!r}, expected true or false")
    return text in ("true", "1")


def _level(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").upper()
    levels = logging.getLevelNamesMapping()
    if text and text not in levels:
        raise SettingsError(f"{variable} is {text!r}, expected one of {', '.join(levels)}")
    return levels[text] if text else default
