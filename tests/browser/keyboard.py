"""A keyboard before a page: whatever is pressed, the focus is somewhere, and can be seen."""

from __future__ import annotations

from playwright.sync_api import Page

_MOST_TABS = 60

# The name of what has the focus, as a screen reader would say it.
_NAME = """() => {
  const at = document.activeElement;
  const label = (at.labels?.[0] || at).cloneNode(true);
  label.querySelectorAll("[aria-hidden=true]").forEach((one) => one.remove());
  return (at.getAttribute("aria-label") || label.textContent || at.title || "").replace(/\\s+/g, " ").trim();
}"""
# On an element of the page, within the window, with an outline or a changed ground.
_IS_SEEN = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return false;
  const { width, top, bottom, left, right } = at.getBoundingClientRect();
  const isWithin = width && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
  const drawn = [at, ...at.querySelectorAll(".q-focus-helper, .q-toggle__inner")].some((one) => {
    const { outlineStyle, outlineWidth, opacity } = getComputedStyle(one);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || (one !== at && Number(opacity) > 0);
  });
  return isWithin && drawn && at.matches(":focus-visible");
}"""


class Keyboard:
    """Presses keys on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, key: str) -> Keyboard:
        """Press a key, and wait until the focus can be seen."""
        self.page.keyboard.press(key)
        return self.expect_focus()

    def write(self, text: str) -> Keyboard:
        """Write into what has the focus."""
        self.page.keyboard.type(text)
        return self.expect_focus()

    def tab_to(self, name: str, key: str = "Tab") -> Keyboard:
        """Press Tab, or Shift+Tab, until something of that name has the focus."""
        passed = []
        for _ in range(_MOST_TABS):
            self.press(key)
            passed.append(self.page.evaluate(_NAME))
            if passed[-1].startswith(name):
                return self
        raise AssertionError(f"{key} does not lead to {name}, but to {passed}")

    def expect_focus(self, name: str | None = None) -> Keyboard:
        """Wait until the focus can be seen, where a name is given on something of that name."""
        self.page.wait_for_function(_IS_SEEN)
        if name is not None:
            given = f"(name) => ({_NAME})().startsWith(name)"
            self.page.wait_for_function(given, arg=name)
        return self
