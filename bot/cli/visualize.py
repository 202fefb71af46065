"""`frontdesk visualize`: stories and rules as one page that needs nothing but a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import DomainFile, Root, explained, load_project, out

if TYPE_CHECKING:
    from bot.training_data.project import Project
    from bot.training_data.story_map import Node, StoryMap

PAGE = Path(__file__).with_name("story_map.html")
_COLUMN, _ROW, _WIDTH, _HEIGHT, _MARGIN = 226, 52, 176, 34, 24
_LONGEST_LABEL = 27
_EXAMPLES = 3


def visualize(
    project: Root = Path(),
    target: Annotated[Path, typer.Option("--out", help="The page that is written.")] = Path("graph.html"),
    max_history: Annotated[int, typer.Option(min=1, help="Steps by which moments are told apart.")] = 2,
    stories: Annotated[
        Path | None, typer.Option("--stories", "-s", help="Show only the stories of this file or folder.")
    ] = None,
    rules: Annotated[bool, typer.Option(help="Show rules, too.")] = True,
    domain: DomainFile = "domain.yml",
) -> None:
    """Draw the stories and rules as a graph, into one HTML file."""
    from bot.training_data.story_graph import generate_trackers  # noqa: PLC0415 - fast commands go first
    from bot.training_data.story_map import draw_map  # noqa: PLC0415 - the same

    with explained():
        loaded = load_project(project, domain)
        steps = [step for step in loaded.steps if rules or not step.is_rule]
        if stories is not None:
            below = str((project / stories).resolve())
            steps = [
                step
                for step in steps
                if step.location and str(Path(step.location.file).resolve()).startswith(below)
            ]
        trackers = generate_trackers(steps, loaded.domain, augmentation_factor=0)
        drawn = draw_map(trackers, max_history=max_history)
        page = render_page(drawn, _examples(loaded), project)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    out.print(f"{len(trackers)} stories and rules drawn in {target}", soft_wrap=True)


def _examples(project: Project) -> dict[str, list[str]]:
    """Return a few sentences for each intent."""
    found: dict[str, list[str]] = {}
    for example in project.nlu.examples:
        sentences = found.setdefault(example.intent, [])
        if len(sentences) < _EXAMPLES:
            sentences.append(example.text)
    return found


def render_page(story_map: StoryMap, examples: Mapping[str, list[str]], root: Path = Path()) -> str:
    """Return the page, with nothing in it that is fetched from elsewhere."""
    stories = [
        {"name": name, "place": str(location or "").removeprefix(f"{root}/")}
        for name, location in story_map.stories
    ]
    # `<` never stands in the JSON, so no name can end the script.
    data = json.dumps(stories, ensure_ascii=False).replace("<", "\\u003c")
    counts = f"{len(story_map.stories)} stories and rules, {len(story_map.nodes)} moments"
    page = PAGE.read_text(encoding="utf-8")
    parts = {"COUNTS": counts, "SVG": _svg(story_map, examples), "STORIES": data}
    head, *rest = page.split("<!--")
    for part in rest:
        name, _, text = part.partition("-->")
        head += parts[name] + text
    return head


def _svg(story_map: StoryMap, examples: Mapping[str, list[str]]) -> str:
    columns = max((node.column for node in story_map.nodes), default=0) + 1
    rows = max((node.row for node in story_map.nodes), default=0.0) + 1
    width, height = columns * _COLUMN + 2 * _MARGIN, round(rows * _ROW) + 2 * _MARGIN
    edges = [
        f'<path class="edge" data-stories="{_numbers(taken)}" '
        f'd="{_curve(story_map.nodes[source], story_map.nodes[target])}"/>'
        for (source, target), taken in story_map.edges.items()
    ]
    nodes = [_node(node, examples) for node in story_map.nodes]
    return (
        f'<svg viewBox="0 0 {width} {height}" role="group" aria-label="Graph of stories and rules">\n'
        f'<g id="scene">\n{"".join(line + chr(10) for line in [*edges, *nodes])}</g>\n</svg>'
    )


def _numbers(stories: set[int]) -> str:
    return " ".join(map(str, sorted(stories)))


def _corner(node: Node) -> tuple[float, float]:
    return _MARGIN + node.column * _COLUMN, round(_MARGIN + node.row * _ROW, 1)


def _curve(source: Node, target: Node) -> str:
    """Draw from the right side of one node to the left of the other; what leads back swings below."""
    left, top = _corner(source)
    right, bottom = _corner(target)
    x1, y1, x2, y2 = left + _WIDTH, top + _HEIGHT / 2, right, bottom + _HEIGHT / 2
    if x2 > x1:
        bend = min(60, (x2 - x1) / 2)
        return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    low = max(y1, y2) + _ROW * 0.8
    return f"M{x1} {y1}C{x1 + 50} {low} {x2 - 50} {low} {x2} {y2}"


def _node(node: Node, examples: Mapping[str, list[str]]) -> str:
    left, top = _corner(node)
    step = node.step
    radius = _HEIGHT / 2 if step.kind == "intent" else 4
    told = "".join(f"\n“{text}”" for text in examples.get(step.label, ()))
    title = escape(f"{step.label}{f' ({step.detail})' if step.detail else ''}{told}")
    line = top + (14 if step.detail else 21)
    detail = (
        f'<text class="detail" x="{left + 12}" y="{top + 27}">{escape(_short(step.detail, 32))}</text>'
        if step.detail
        else ""
    )
    end = " end" if node.ends else ""
    return (
        f'<g class="node {step.kind}{end}" tabindex="0" data-label="{escape(step.label)}" '
        f'data-stories="{_numbers(node.stories)}"><title>{title}</title>'
        f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}"/>'
        f'<text x="{left + 12}" y="{line}">{escape(_short(step.label, _LONGEST_LABEL))}</text>{detail}</g>'
    )


def _short(text: str, longest: int) -> str:
    """Cut a label to the width of its box; Chinese characters take two places."""
    width, kept = 0, ""
    for character in text:
        width += 2 if ord(character) > 0x2E7F else 1
        if width > longest:
            return kept[:-1] + "…"
        kept += character
    return text
