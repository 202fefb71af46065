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
from bot.runtime.options import read_options
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
        endpoints: str = "endpoints.yml",
        credentials: str = "credentials.yml",
        connector: str | None = None,
    ) -> Settings:
        """Read the settings of a project folder; missing files leave the defaults.

        A `connector` is the only channel that is opened, with its section of the file if it has one.

        Raises:
            SettingsError: A value is wrong.
            InvalidProject: A file is not YAML.
        """
        sections = _mapping(root / endpoints)
        channels = _mapping(root / credentials)
        if connector:
            channels = {connector: channels.get(connector)}
        for name in sections:
            if name not in _ENDPOINTS:
                raise SettingsError(f"endpoints.yml: unknown section '{name}'{nearest(name, _ENDPOINTS)}")
        return cls(
            root=root,
            models=models or root / "models",
            crm_url=os.environ.get(CRM_URL) or f"sqlite:///{root.resolve() / 'crm.db'}",
            actions=_actions(sections.get("action_endpoint")),
            credentials=channels or dict(DEFAULT_CREDENTIALS),
            max_predictions=_whole_number(MAX_PREDICTIONS, DEFAULT_MAX_PREDICTIONS),
            tracker_store=TRACKER_STORES.read(sections.get("tracker_store")),
            lock_store=LOCK_STORES.read(sections.get("lock_store")),
            event_broker=EVENT_BROKERS.read(sections.get("event_broker")),
            nlg=_nlg(sections.get("nlg")),
            nlu=_server("nlu", sections.get("nlu")),
            attachments=_attachments(sections.get("attachments")),
            desk=_desk(sections),
            webhooks=read_webhooks(sections.get("webhooks")),
            model_server=_model_server(sections.get("models")),
        )


def _mapping(path: Path) -> Mapping[str, JSON]:
    content = read_yaml(path) if path.exists() else None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name}: expected a mapping of names to settings, found {content!r}")
    return content


def _attachments(section: JSON) -> AttachmentOptions:
    if section is not None and not isinstance(section, Mapping):
        raise SettingsError(f"endpoints.yml: attachments is {section!r}, expected its settings")
    return read_options(AttachmentOptions, section or {}, "attachments")


def _desk(sections: Mapping[str, JSON]) -> DeskOptions | None:
    """Read `desk`; the bare name opens one with every default."""
    if "desk" not in sections:
        return None
    section = sections["desk"]
    if section is not None and not isinstance(section, Mapping):
        raise SettingsError(f"endpoints.yml: desk is {section!r}, expected its settings")
    return read_options(DeskOptions, section or {}, "desk")


def _actions(section: JSON) -> ActionPackage | ActionEndpoint | None:
    if section is None:
        return None
    where = "endpoints.yml: action_endpoint"
    if not isinstance(section, dict) or not {"package", "url"} & set(section):
        raise SettingsError(f"{where} is {section!r}, expected 'url:' or 'package:'")
    _check_keys(where, section, ACTION_KEYS)
    if "package" in section:
        return ActionPackage(str(section["package"]), _timeout_s(where, section))
    selective = bool(section.get("enable_selective_domain"))
    return ActionEndpoint(
        **_connection(where, section), selective_domain=selective, compressed=_switch(COMPRESS)
    )


def _nlg(section: JSON) -> HttpEndpoint | None:
    """Read `nlg`; `{type: response}` is Rasa's name for the domain's own responses."""
    if isinstance(section, dict) and section.get("type") == "response":
        return None
    return _server("nlg", section)


def _server(name: str, section: JSON) -> HttpEndpoint | None:
    if section is None:
        return None
    where = f"endpoints.yml: {name}"
    if not isinstance(section, dict) or not section.get("url"):
        raise SettingsError(f"{where} is {section!r}, expected 'url:'")
    kind = section.get("type")
    if kind not in (None, "callback", "http"):
        raise SettingsError(f"{where}.type is {kind!r}, expected a server: leave it out")
    _check_keys(where, section, _HTTP_KEYS)
    return HttpEndpoint(**_connection(where, section))


def _model_server(section: JSON) -> ModelServerOptions | None:
    """Read `models`; `wait_time_between_pulls: null` asks once."""
    if section is None:
        return None
    known = section if isinstance(section, dict) else {}
    wait_s = known.get(WAIT, DEFAULT_WAIT_S)
    is_number = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
    if wait_s is not None and not (is_number and wait_s > 0):
        raise SettingsError(f"endpoints.yml: models.{WAIT} is {wait_s!r}, expected seconds above 0, or null")
    server = {key: value for key, value in known.items() if key != WAIT} if known else section
    endpoint = _server("models", server)
    return ModelServerOptions(endpoint, wait_s) if endpoint else None


def _check_keys(where: str, section: Mapping[str, JSON], known: Sequence[str]) -> None:
    for key in section:
        if key not in known:
            raise SettingsError(f"{where} has no setting '{key}'{nearest(key, known)}")


def _connection(where: str, section: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the arguments of an `HttpEndpoint`."""
    auth = section.get("basic_auth") or {}
    return {
        "url": str(section["url"]),
        "timeout_s": _timeout_s(where, section),
        "headers": section.get("headers") or {},
        "params": section.get("params") or {},
        "token": section.get("token"),
        "token_name": section.get("token_name") or "token",
        "username": auth.get("username"),
        "password": auth.get("password"),
        "cafile": section.get("cafile"),
    }


def _timeout_s(where: str, section: Mapping[str, JSON]) -> float:
    timeout_s = section.get("timeout", DEFAULT_TIMEOUT_S)
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or timeout_s <= 0:
        raise SettingsError(f"{where}.timeout is {timeout_s!r}, expected seconds above 0")
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
