"""What tests of several rooms need."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import executable, launch
from tests.services import new_postgresql, rabbitmq, redis_prefix, redis_url

__all__ = ["new_postgresql", "rabbitmq", "redis_prefix", "redis_url"]  # fixtures of all rooms


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
