"""The reports: figures of any period with charts, and each table as CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from fastapi import Request
from nicegui import ui

from crm_connector.columns import utc_now
from desk.access import Permission
from desk.pages.frame import Visit, begin, heading, quiet_button
from desk.views.reports import ReportView, Table, report_view

_COLOURS = {"positive": "#2e9e6b", "neutral": "#8b95a7", "negative": "#d2553f"}
_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "365 days": 365}
_GREY = "#8b95a7"  # reads on light and on dark


@ui.page("/reports")
async def reports_page(request: Request) -> None:
    """Show the last thirty days to begin with."""
    visit = begin(request, Permission.REPORTS)
    if visit is not None:
        await _ReportPage(visit).build()


def _today() -> date:
    return utc_now().date()


@dataclass
class _ReportPage:
    """The period that is looked at, and its figures."""

    visit: Visit
    first: date = field(default_factory=lambda: _today() - timedelta(days=29))
    last: date = field(default_factory=_today)
    channel: str | None = None

    async def build(self) -> None:
        """Put up the choice of the period and the place for the figures."""
        with ui.element("div").classes("page").props("id=content"):
            with ui.element("div").classes("bar"):
                heading("Reports")
                for label, days in _PERIODS.items():
                    quiet_button(label, lambda _, days=days: self._latest(days))
                self.first_field = self._date("From", self.first)
                self.last_field = self._date("To", self.last)
                self.channel_field = ui.select({"": "All channels"}, value="", label="Channel")
                self.channel_field.on_value_change(lambda event: self._of_channel(str(event.value or "")))
            self.figures = ui.element("div").classes("figures")
        await self.refresh()

    async def refresh(self) -> None:
        """Read and draw the figures."""
        view = await self.visit.run(report_view, self.first, self.last, channel=self.channel)
        if view is None:
            return
        self.channel_field.set_options({"": "All channels", **{name: name for name in view.channels}})
        self.figures.clear()
        with self.figures:
            _draw_tiles(view)
            _draw_charts(view)
            for table in view.tables:
                _draw_table(table, f"{table.name}-{self.first}-{self.last}.csv")

    def _date(self, label: str, value: date) -> ui.input:
        chosen = ui.input(label, value=value.isoformat()).props("type=date outlined dense stack-label")
        chosen.on("change", self._of_period)
        return chosen

    async def _latest(self, days: int) -> None:
        self.last = _today()
        self.first = self.last - timedelta(days=days - 1)
        self.first_field.value, self.last_field.value = self.first.isoformat(), self.last.isoformat()
        await self.refresh()

    async def _of_period(self) -> None:
        try:
            self.first = date.fromisoformat(self.first_field.value or "")
            self.last = date.fromisoformat(self.last_field.value or "")
        except ValueError:
            return  # half typed
        await self.refresh()

    async def _of_channel(self, channel: str) -> None:
        self.channel = channel or None
        await self.refresh()


def _draw_tiles(view: ReportView) -> None:
    with ui.element("dl").classes("tiles"):
        for tile in view.tiles:
            with ui.element("div").classes("figure"):
                with ui.element("dt"):
                    ui.label(tile.label)
                with ui.element("dd"):
                    ui.label(tile.value).classes("value")
                    ui.label(tile.meaning).classes("soft small")


def _draw_charts(view: ReportView) -> None:
    """Lines over days and bars by intent; the tables below say the same in words."""
    axis = {"axisLabel": {"color": _GREY}, "splitLine": {"lineStyle": {"color": "#8b95a733"}}}
    blue = {"color": "#4f7cf0"}
    days = {"type": "category", "data": list(view.days), **axis}
    moods = [
        {"name": mood, "type": "bar", "stack": "mood", "data": list(counts), "color": _COLOURS[mood]}
        for mood, counts in view.sentiment_by_day.items()
    ]
    names = [name or "(none)" for name, _ in reversed(view.intents)]
    counts = [count for _, count in reversed(view.intents)]
    charts = (
        ("Conversations by day", days, {"type": "value", **axis},
         [{"type": "line", "data": list(view.conversations_by_day), "areaStyle": {"opacity": 0.15}, **blue}]),
        ("Sentiment of messages by day", days, {"type": "value", **axis}, moods),
        ("Most frequent intents", {"type": "value", **axis}, {"type": "category", "data": names, **axis},
         [{"type": "bar", "data": counts, **blue}]),
    )  # fmt: skip
    with ui.element("div").classes("charts"):
        for title, x_axis, y_axis, series in charts:
            with ui.element("figure").classes("chart"):
                with ui.element("figcaption"):
                    ui.label(title)
                ui.echart(
                    {
                        "xAxis": x_axis,
                        "yAxis": y_axis,
                        "series": series,
                        "tooltip": {"trigger": "axis"},
                        "grid": {"left": 8, "right": 12, "top": 28, "bottom": 8, "containLabel": True},
                        "legend": {"textStyle": {"color": _GREY}} if len(series) > 1 else {"show": False},
                        "aria": {"enabled": True},
                        "animation": False,
                    }
                ).props(f'role=img aria-label="{title}"')


def _draw_table(table: Table, file_name: str) -> None:
    with ui.element("section").classes("table"):
        with ui.element("div").classes("bar"):
            ui.label(table.title).classes("title").props("role=heading aria-level=2")
            button = quiet_button("CSV", lambda: _download(table, file_name))
            button.props(f'icon=download aria-label="{table.title} as CSV"')
        with ui.element("div").classes("scroll").props('tabindex="0"'), ui.element("table"):
            with ui.element("thead"), ui.element("tr"):
                for name in table.header:
                    with ui.element("th").props('scope="col"'):
                        ui.label(name)
            with ui.element("tbody"):
                for row in table.rows:
                    with ui.element("tr"):
                        for cell in row:
                            with ui.element("td"):
                                ui.label(str(cell))


def _download(table: Table, file_name: str) -> None:
    ui.download.content(table.csv().encode(), file_name, "text/csv")
