"""What somebody who should not could try at the desk: each page and each call, found by looking, not by list.

A page or a call that is added without asking who is there fails here.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
from structlog.testing import capture_logs

import desk.deeds
import desk.pages
import desk.views
from bot.dialogue.messages import JSON
from crm_connector import conversations
from crm_connector.choices import ComplaintCategory, Priority, Role
from crm_connector.tables import Customer, Opportunity, Ticket
from desk.access import MAY, Desk, Forbidden, NotSignedIn
from desk.pages.frame import DESTINATIONS
from desk.sign_in import OPEN_PATHS
from desk.views.customer import customer_panel
from tests.desk.served_desk import EVIL, PAGES, Served, email_of, events
from tests.desk.test_access import CALLS, _call

REFUSAL = "Your role does not open this page."


def _modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for info in iter_modules(package.__path__):
            yield import_module(f"{package.__name__}.{info.name}")


# Each page under each role


def test_every_page_is_known() -> None:
    """What the menu leads to is registered, and nothing else is: a new page needs its permission there."""
    assert set(PAGES) == {place.path for place in DESTINATIONS}
    assert len(PAGES) == len(DESTINATIONS)


@pytest.mark.parametrize("path", PAGES)
def test_without_signing_in_no_page_is_shown(served: Served, path: str) -> None:
    """Strangers are led to the form, with any cookie, and it is logged."""
    for token in ("", "guessed", "x" * 5000):
        with capture_logs() as logs:
            answer = served.get(path, token)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in")
        assert events(logs) == ["desk request refused"]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_to_its_roles_alone(served: Served, path: str, role: Role) -> None:
    """Who may not sees a sentence and nothing else, and it is logged who tried."""
    permission = next(place.permission for place in DESTINATIONS if place.path == path)
    with capture_logs() as logs:
        body = served.get(path, served.token(role)).text
    refused = [line for line in logs if line["event"] == "page refused at the desk"]
    if permission in MAY[role]:
        assert REFUSAL not in body
        assert refused == []
    else:
        assert REFUSAL in body
        assert '"id":"content"' not in body
        assert [(line["email"], line["permission"]) for line in refused] == [(email_of(role), permission)]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_carries_what_somebody_wrote_as_markup(served: Served, path: str) -> None:
    """Names and words travel as data with their angle brackets written otherwise."""
    answer = served.get(path, served.token(*Role))
    assert answer.status_code == 200
    assert EVIL not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


def test_every_other_path_below_the_desk_is_closed(served: Served) -> None:
    """Files of the framework, its sockets by polling, what does not exist: all but the way in."""
    paths = (
        "/_nicegui/x.js",
        "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
        "/static/desk.css",
        "/nothing",
    )
    for path in (*paths, "/sign-out"):
        assert served.get(path, accept="*/*").status_code == 401, path
    assert {path for path in OPEN_PATHS if "sign" not in path} == {
        "/desk/favicon.ico", "/desk/first-run", "/desk/provider", "/desk/provider/back"
    }  # fmt: skip


# Each call under each role


def test_everything_that_reaches_the_store_asks_who_is_there() -> None:
    """Public functions of deeds and views take the desk with a token, or a transaction that somebody has."""
    known = {function.__qualname__ for function in CALLS}
    for module in _modules(desk.deeds, desk.views):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            parameters = inspect.signature(function).parameters.values()
            takes = " ".join(str(one.annotation) for one in parameters)
            if "Desk" in takes.replace("Deed", "") or "Store" in takes:
                assert function.__qualname__ in known, f"{module.__name__}.{name} asks for no token"


def test_pages_reach_the_store_through_deeds_and_views_alone() -> None:
    """No page opens a transaction of its own, or acts for another token than its visitor's."""
    for module in _modules(desk.pages):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("act", "store", "session", "reading"), (
                    f"{module.__name__}:{node.lineno}"
                )


@pytest.mark.parametrize("function", CALLS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_each_refused_call_is_logged(
    desk: Desk, signed_in: Callable[..., str], function: Callable[..., object]
) -> None:
    """Of a stranger what was wanted, of somebody without the role also who she is."""
    with capture_logs() as logs, pytest.raises(NotSignedIn):
        _call(function, desk, "guessed")
    stranger = _last_refusal(logs)
    assert stranger["event"] == "refused at the desk, nobody is signed in"
    permission = stranger["permission"]
    without = next(role for role in Role if permission not in MAY[role])
    with capture_logs() as logs, pytest.raises(Forbidden):
        _call(function, desk, signed_in(without))
    colleague = _last_refusal(logs)
    assert (colleague["event"], colleague["permission"]) == ("refused at the desk", permission)
    assert colleague["email"].endswith(f".{without}@example.com")


def _last_refusal(logs: Sequence[JSON]) -> JSON:
    """Return the call's own: pages that earlier tests left open may have been refused before it."""
    return [line for line in logs if line["event"].startswith("refused")][-1]


# Other people's things


def test_a_panel_shows_its_own_customer_alone(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Tickets, sales and conversations of another customer are not among hers."""
    ids = []
    with desk.store.session() as session:
        for name in ("Ada", "Bo"):
            customer = Customer(name=name, email=f"{name}@example.com")
            session.add(customer)
            session.flush()
            for number in range(2):
                sender_id = f"{name}-{number}"
                conversation = conversations.find_or_create(
                    session, sender_id, "rest", customer_id=customer.id
                )
            ids.append(conversation.id)
            session.add_all(
                (
                    Ticket(
                        source_key=name, customer_id=customer.id, category=ComplaintCategory.OTHER,
                        subject=f"of {name}", priority=Priority.LOW,
                    ),
                    Opportunity(source_key=name, customer_id=customer.id, title=f"of {name}"),
                )
            )  # fmt: skip
    token = signed_in(Role.AGENT)
    for id_, name, other in ((ids[0], "Ada", "Bo"), (ids[1], "Bo", "Ada")):
        panel = str(customer_panel(desk, token, id_))
        assert f"of {name}" in panel
        assert f"of {other}" not in panel
        assert other not in panel


def test_what_a_customer_holds_opens_nothing(served: Served) -> None:
    """The secret of a conversation, its public name and a bearer token are no cookie of the desk."""
    with served.desk.store.session() as session:
        conversations.find_or_create(session, "visitor-secret-of-the-widget", "web_widget")
    for path in PAGES:
        answer = served.get(path, "visitor-secret-of-the-widget", authorization="Bearer visitor-secret")
        assert answer.status_code == 303
