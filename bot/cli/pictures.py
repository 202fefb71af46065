"""Pictures of test results: who was taken for whom, and how sure the right and the wrong answers were.

Import it only to draw: matplotlib takes half a second, and a serving installation has none.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.text import Text

from bot.nlu.held_out import Bin
from bot.nlu.learning_curve import CurvePoint

if TYPE_CHECKING:
    from language.masked_language_model import Adaptation

# The first fonts cover Latin letters; the rest are asked for what they lack, such as Chinese.
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
    "Arial Unicode MS",
)
_CURVES = ("#2f6f9f", "#c2513b", "#3f8f5f", "#8a5fb0", "#b0892f", "#555555")
RIGHT, WRONG, INK, FAINT = "#2f6f9f", "#c2513b", "#222222", "#d9d9d9"
MOST_LABELS = 60
_LONGEST_LABEL = 40
_MIDDLE, _DARK = 0.3, 0.6  # shades of a cell on which red, then black cannot be read any more
_BINS = 20


def draw_confusions(
    path: Path, title: str, targets: Sequence[str | None], predictions: Sequence[str | None]
) -> None:
    """Draw a confusion matrix: a row for each expected label, a column for each predicted one.

    Of more than 60 labels those with the fewest mistakes are left out, and the picture says so.
    """
    counts = Counter((t or "(none)", p or "(none)") for t, p in zip(targets, predictions, strict=True))
    labels = sorted({label for pair in counts for label in pair})
    shown = _most_confused(counts, labels)
    wrong = sum(count for (target, predicted), count in counts.items() if target != predicted)
    total = sum(counts.values())
    subtitle = f"{total - wrong} of {total} right ({(total - wrong) / max(total, 1):.1%})"
    if len(shown) < len(labels):
        subtitle += f"; {len(labels) - len(shown)} of {len(labels)} labels with few mistakes or none left out"
    # Inches: a cell takes 0.36, a letter of a label 0.075 to the side and less downwards, where it leans.
    cells = max(1.6, 0.36 * len(shown))
    longest = min(_LONGEST_LABEL, max(map(len, shown), default=0))
    width = max(6.0, cells + 0.075 * longest + 1.0)
    figure = Figure(figsize=(width, cells + 0.06 * longest + 1.3), layout="constrained")
    axes = figure.add_subplot()
    _matrix(axes, counts, shown)
    axes.set_title(f"{title}\n{subtitle}", loc="left", fontsize=11, color=INK)
    _save(figure, path)


def _most_confused(counts: Counter[tuple[str, str]], labels: Sequence[str]) -> list[str]:
    if len(labels) <= MOST_LABELS:
        return list(labels)
    mistakes: Counter[str] = Counter(dict.fromkeys(labels, 0))
    for (target, predicted), count in counts.items():
        if target != predicted:
            mistakes[target] += count
            mistakes[predicted] += count
    return sorted(label for label, _ in mistakes.most_common(MOST_LABELS))


def _matrix(axes: Axes, counts: Counter[tuple[str, str]], labels: Sequence[str]) -> None:
    """Colour the cells by count; numbers stand only where something is."""
    rows = [[counts[target, predicted] or float("nan") for predicted in labels] for target in labels]
    most = max(2, max(counts.values(), default=2))
    axes.imshow(rows, cmap="Blues", norm=LogNorm(vmin=0.6, vmax=most * 1.5))
    names = [label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…" for label in labels]
    size = 9
    axes.set_xticks(range(len(labels)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(range(len(labels)), names, fontsize=size)
    axes.set_xticks([edge - 0.5 for edge in range(1, len(labels))], minor=True)
    axes.set_yticks([edge - 0.5 for edge in range(1, len(labels))], minor=True)
    axes.grid(which="minor", color=FAINT, linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_color(FAINT)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("expected", color=INK)
    for row, target in enumerate(labels):
        for column, predicted in enumerate(labels):
            count = counts[target, predicted]
            if count:
                shade = log(count / 0.6) / log(most * 1.5 / 0.6)
                right = row == column
                axes.text(
                    column,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color=ink(shade, right=right),
                    fontweight="normal" if right else "bold",
                )


def ink(shade: float, *, right: bool) -> str:
    """Return the colour of a number that can be read on a cell of this shade, in [0, 1]."""
    if shade > _DARK:
        return "white"
    return INK if right or shade > _MIDDLE else WRONG


def draw_confidences(path: Path, title: str, right: Sequence[float], wrong: Sequence[float]) -> None:
    """Draw how sure right and wrong answers were, side by side; confidences in [0, 1]."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    left_axes, right_axes = figure.subplots(ncols=2, sharey=True)
    edges = [index / _BINS for index in range(_BINS + 1)]
    for axes, values, name, colour in (
        (left_axes, right, "right", RIGHT),
        (right_axes, wrong, "wrong", WRONG),
    ):
        axes.hist(values, bins=edges, orientation="horizontal", color=colour, rwidth=0.9)
        mean = f", {sum(values) / len(values):.2f} on average" if values else ""
        axes.set_title(f"{len(values)} {name}{mean}", fontsize=11, color=colour)
        axes.set_xlim(0, max(1.0, axes.get_xlim()[1]))
        axes.set_xlabel("messages")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.set_ylim(0, 1)
    left_axes.invert_xaxis()
    left_axes.set_yticks([index / 10 for index in range(11)])
    left_axes.set_ylabel("confidence")
    for axes in (left_axes, right_axes):
        axes.tick_params(axis="y", length=0)
    figure.suptitle(title, fontsize=12, x=0.02, ha="left", color=INK)
    _save(figure, path)


def draw_reliability(path: Path, title: str, bins: Sequence[Bin], error: float) -> None:
    """Draw how often answers were right by how sure they were; honest ones lie on the diagonal.

    `error` is the expected calibration error. Below stands how many answers each bin holds.
    """
    figure = Figure(figsize=(6, 7), layout="constrained")
    upper, lower = figure.subplots(nrows=2, sharex=True, height_ratios=[4, 1])
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, zorder=0)
    most = max((row.sentences for row in bins), default=1)
    for row in bins:
        upper.plot([row.confidence] * 2, [row.confidence, row.accuracy], color=WRONG, linewidth=1.5, zorder=1)
    upper.scatter(
        [row.confidence for row in bins],
        [row.accuracy for row in bins],
        s=[20 + 180 * row.sentences / most for row in bins],
        color=RIGHT,
        zorder=2,
    )
    upper.set_ylabel("share that was right", color=INK)
    upper.set_ylim(-0.03, 1.03)
    upper.set_title(
        f"{title}: is confidence honest?\nexpected calibration error {error:.3f}",
        loc="left",
        fontsize=11,
        color=INK,
    )
    bars = lower.bar(
        [row.confidence for row in bins], [row.sentences for row in bins], width=0.04, color=RIGHT
    )
    lower.bar_label(bars, fontsize=7, color=INK)
    lower.margins(y=0.25)
    lower.set_ylabel("answers", color=INK)
    lower.set_xlabel("confidence", color=INK)
    lower.set_xlim(-0.03, 1.03)
    for axes in (upper, lower):
        axes.grid(color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def draw_losses(path: Path, learnt: Adaptation) -> None:
    """Draw the loss of the masked pieces while a backbone was adapted, and what held-out messages say."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    steps = [point.step for point in learnt.curve]
    axes.plot(
        steps, [point.loss for point in learnt.curve], color=FAINT, linewidth=2.5, label="while learning"
    )
    ends = [steps[0], steps[-1]] if steps else [0, 1]
    for loss, name, colour in (
        (learnt.loss_before, "held out, before", WRONG),
        (learnt.loss_after, "held out, after", RIGHT),
    ):
        axes.plot(ends, [loss, loss], color=colour, linestyle="--", label=f"{name}: {loss:.3f}")
    axes.set_xlabel("steps", color=INK)
    axes.set_ylabel("mean loss of a masked piece, nats", color=INK)
    title = f"{learnt.texts - learnt.held_out:,} messages taught, {learnt.held_out:,} were held out"
    axes.set_title(
        f"How much the messages surprise the backbone\n{title}", loc="left", fontsize=11, color=INK
    )
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    _save(figure, path)


def draw_learning_curve(path: Path, points: Sequence[CurvePoint]) -> None:
    """Draw held-out accuracy and macro F1 by examples of each intent; the band spans the draws."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.add_subplot()
    sizes = [point.examples_per_intent for point in points]
    axes.fill_between(
        sizes,
        [point.lowest for point in points],
        [point.highest for point in points],
        color=RIGHT,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(sizes, [point.accuracy for point in points], color=RIGHT, marker="o", label="accuracy")
    axes.plot(
        sizes, [point.macro_f1 for point in points], color=WRONG, marker="s", linestyle="--", label="macro F1"
    )
    for point in points:
        axes.annotate(
            f"{point.accuracy:.3f}",
            (point.examples_per_intent, point.accuracy),
            textcoords="offset points",
            xytext=(0, 9),
            ha="center",
            fontsize=9,
            color=INK,
        )
    axes.set_xscale("log")
    axes.set_xticks(sizes, [*map(str, sizes[:-1]), f"all\n(up to {sizes[-1]})"])
    axes.minorticks_off()
    axes.set_xlabel("examples of each intent", color=INK)
    axes.set_title(
        "Would more examples help?\nsentences that were held out", loc="left", fontsize=11, color=INK
    )
    axes.grid(color=FAINT, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    _save(figure, path)


def draw_comparison(
    path: Path,
    scores: Mapping[str, Sequence[Sequence[float]]],
    counts: Sequence[int],
    *,
    below: str,
    beside: str,
) -> None:
    """Draw a curve for each configuration, its spread over the runs around it, into a PDF.

    Args:
        path: The file.
        scores: By configuration a row for each run, a score for each count.
        counts: How much each score was trained on.
        below: What is counted.
        beside: What the scores are.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, rows) in zip(
        _CURVES * (1 + len(scores) // len(_CURVES)), scores.items(), strict=False
    ):
        columns = list(zip(*rows, strict=True))
        means = [sum(column) / len(column) for column in columns]
        lowest, highest = [min(column) for column in columns], [max(column) for column in columns]
        axes.plot(counts, means, marker="o", color=colour, label=name)
        axes.fill_between(counts, lowest, highest, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel(below, color=INK)
    axes.set_ylabel(beside, color=INK)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    known = set(font_manager.fontManager.get_font_names())
    fonts = [name for name in _FONTS if name in known]
    with rc_context({"font.family": fonts or ["sans-serif"]}), warnings.catch_warnings():
        # A letter that no font has becomes a box; the report beside the picture spells it.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for text in figure.findobj(Text):
            text.set_fontfamily(fonts or ["sans-serif"])
        FigureCanvasAgg(figure)
        figure.savefig(path)
