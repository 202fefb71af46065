"""What tests of several rooms need."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from crm_connector import database
from tests.browser.chromium import executable, launch
from tests.services import new_postgresql, rabbitmq, redis_prefix, redis_url

__all__ = ["new_postgresql", "rabbitmq", "redis_prefix", "redis_url"]  # fixtures of all rooms


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Make the bytes of an empty CRM store once: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "crm.db"
    database.open(f"sqlite:///{path}").close()
    return path.read_bytes()


# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In CI a test in the browser has a second try, which the report shows: two cores run both sides."""
    if os.environ.get("CI") == "true":
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once per file; without one the tests are skipped, but fail in CI."""
    if executable() is None:
        reason = (
            "no Chromium found (chromium, chromium-browser, google-chrome); `make test` installs one as root"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
