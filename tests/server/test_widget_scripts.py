"""The widget's scripts are small as they are served, mean what they meant, and are all that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.server.pages import STATIC
from bot.server.widget_scripts import shorten_private_names, squeeze_css, widget_scripts
from tests.server.factories import application

LOADED_AT_ONCE = ("widget.js", "widget/main.js")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Ask an application that is not compressed for."""
    transport = httpx.ASGITransport(application())
    headers = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(transport=transport, base_url="http://t/static/", headers=headers) as client:
        yield client


async def test_all_that_is_sent_for_the_widget_is_under_fifty_thousand_bytes(
    client: httpx.AsyncClient,
) -> None:
    """Scripts, styles, every language and form together, uncompressed; what a page loads at once is less."""
    sizes = {name: len((await client.get(name)).content) for name in widget_scripts(STATIC)}
    assert sum(sizes.values()) < 50_000
    assert sum(sizes[name] for name in LOADED_AT_ONCE) < 42_000


async def test_nothing_else_of_the_widget_is_served(client: httpx.AsyncClient) -> None:
    """The sources are for readers of the project, not for browsers."""
    served = set(widget_scripts(STATIC))
    for source in (STATIC / "widget").rglob("*.*"):
        name = source.relative_to(STATIC).as_posix()
        assert (await client.get(name)).status_code == (200 if name in served else 404)


async def test_every_page_may_load_the_scripts(client: httpx.AsyncClient) -> None:
    """Each script is JavaScript that pages of every origin may read."""
    for name in widget_scripts(STATIC):
        response = await client.get(name)
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["content-type"].startswith("text/javascript")


async def test_a_script_is_sent_again_only_when_it_has_changed(client: httpx.AsyncClient) -> None:
    """A browser that has this version gets no body; one that takes gzip gets the same text, compressed."""
    whole = await client.get("widget/main.js")
    again = await client.get("widget/main.js", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    compressed = await client.get("widget/main.js", headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.text == whole.text


def test_modules_are_joined_after_what_they_need(tmp_path: Path) -> None:
    """The entry and all it imports become one script without imports, each module once."""
    widget = tmp_path / "widget"
    (widget / "locales").mkdir(parents=True)
    (tmp_path / "widget.js").write_text("/* stub */ load();\n", encoding="utf-8")
    (widget / "main.js").write_text(
        'import { b } from "./b.js";\nimport css from "./look.css.js";\n'
        'export { a } from "./a.js";\nexport function start() { return b(css); }\n',
        encoding="utf-8",
    )
    (widget / "b.js").write_text(
        'import {\n  a,\n} from "./a.js";\nconst LIMIT_MS = 1_000;\n'
        "export function b(x) { return a(x, LIMIT_MS); }\n",
        encoding="utf-8",
    )
    (widget / "a.js").write_text("export const a = (x) => x;\n", encoding="utf-8")
    (widget / "look.css").write_text(".x { color: red; }\n", encoding="utf-8")
    (widget / "forms.js").write_text('import { a } from "./main.js";\na();\n', encoding="utf-8")
    scripts = widget_scripts(tmp_path)
    assert scripts["widget.js"] == "load();"
    assert scripts["widget/forms.js"].replace("\n", "") == 'import{a}from"./main.js";a();'
    assert scripts["widget/main.js"].replace("\n", "") == (
        'const a=(x)=>x;function b(x){return a(x,1_000);}const css=".x{color:red}";'
        "export function start(){return b(css);}export{a};"
    )


def test_only_private_names_become_short() -> None:
    """A private member has the same short name wherever it stands; colours and other texts keep theirs."""
    script = 'class A{#total=0;#add(){this.#total+=1;this.#add("#total2","#fff");}}'
    assert shorten_private_names(script) == 'class A{#b=0;#a(){this.#b+=1;this.#a("#total2","#fff");}}'


@pytest.mark.parametrize(
    ("css", "squeezed"),
    [
        pytest.param("/* a */ .a,\n.b > i { color: red; }", ".a,.b>i{color:red}", id="rule"),
        pytest.param(".a .b:not(.c) { top: 0 }", ".a .b:not(.c){top:0}", id="descendant"),
        pytest.param("@media (max-width: 9px) { * { height: calc(1px - 2px); } }",
                     "@media (max-width:9px){*{height:calc(1px - 2px)}}", id="media and sums"),
    ],
)  # fmt: skip
def test_a_style_sheet_keeps_its_meaning(css: str, squeezed: str) -> None:
    """Blanks go where they mean nothing, and stay where they mean something."""
    assert squeeze_css(css) == squeezed


def test_two_modules_that_share_a_name_are_not_joined(tmp_path: Path) -> None:
    """A name that stands at the top of two modules is refused with both of them."""
    widget = tmp_path / "widget"
    widget.mkdir()
    (tmp_path / "widget.js").write_text("", encoding="utf-8")
    (widget / "main.js").write_text('import { b } from "./b.js";\nconst a = b;\n', encoding="utf-8")
    (widget / "b.js").write_text("const a = () => 1;\nexport const b = a;\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"'a' stands in b.js and in main.js"):
        widget_scripts(tmp_path)
