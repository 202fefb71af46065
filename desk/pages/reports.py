"""The reports: figures of any period with charts, and each table as CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from fastapi import Request
from nicegui import ui

from crm_connector.columns import JSONObject, utc_now
from desk.access import Permission
from desk.pages.frame import Visit, begin, cells_table, desk_page, heading, quiet_button
from desk.views.reports import ReportView, Table, report_view

_COLOURS = {"positive": "#2e9e6b", "neutral": "#a3abb7", "negative": "#d2553f"}
_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "365 days": 365}
_BARS = 10
_ACCENT: JSONObject = {"color": "#1f9487"}  # stands out from light and from dark
# What begins with a colon is read by the browser: text as dark or light as that around the chart.
_TEXT = "getComputedStyle(document.documentElement).getPropertyValue('--soft')"
_AXIS: JSONObject = {
    "axisLabel": {":color": _TEXT, "hideOverlap": True},
    "axisLine": {"lineStyle": {"color": "#8b95a755"}},
    "axisTick": {"show": False},
    "splitLine": {"lineStyle": {"color": "#8b95a733"}},
}


@desk_page("/reports")
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
            with ui.element("div").classes("head"):
                heading("Reports")
                with ui.element("div").classes("bar"):
                    with ui.element("div").classes("periods"):
                        self.periods = {days: self._period(label, days) for label, days in _PERIODS.items()}
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
        for days, button in self.periods.items():
            is_this = self.last == _today() and self.last - self.first == timedelta(days=days - 1)
            button.props(f"aria-pressed={'true' if is_this else 'false'}")
        self.figures.clear()
        with self.figures:
            _draw_tiles(view)
            _draw_charts(view)
            for table in view.tables:
                _draw_table(table, f"{table.name}-{self.first}-{self.last}.csv")

    def _period(self, label: str, days: int) -> ui.button:
        return quiet_button(label, lambda: self._latest(days)).classes("filter")

    def _date(self, label: str, value: date) -> ui.input:
        chosen = ui.input(label, value=value.isoformat()).props("type=date stack-label")
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
    days = {
        "type": "category",
        "data": [f"{day:%-d %b}" for day in map(date.fromisoformat, view.days)],
        **_AXIS,
        "splitLine": {"show": False},
    }
    moods: list[JSONObject] = [
        {"name": mood, "type": "bar", "stack": "mood", "data": list(counts), "color": _COLOURS[mood]}
        for mood, counts in view.sentiment_by_day.items()
    ]
    names = [(name or "(none)").replace("_", " ") for name, _ in reversed(view.intents[:_BARS])]
    by_intent: JSONObject = {
        "type": "bar",
        "data": [count for _, count in reversed(view.intents[:_BARS])],
        "barMaxWidth": 14,
        "itemStyle": {"borderRadius": [0, 3, 3, 0]},
        **_ACCENT,
    }
    by_day: JSONObject = {
        "type": "line",
        "data": list(view.conversations_by_day),
        "showSymbol": len(view.days) == 1,
        "areaStyle": {"opacity": 0.12},
        **_ACCENT,
    }
    count = {"type": "value", "minInterval": 1, **_AXIS}
    intents = {"type": "category", "data": names, **_AXIS, "splitLine": {"show": False}}
    with ui.element("div").classes("charts"):
        _draw_chart("Conversations by day", days, count, [by_day])
        _draw_chart("Mood of messages by day", days, count, moods)
        _draw_chart("Most frequent intents", count, intents, [by_intent])


def _draw_chart(title: str, x_axis: JSONObject, y_axis: JSONObject, series: list[JSONObject]) -> None:
    has_legend = len(series) > 1
    margins = {"left": 12, "right": 16, "top": 36 if has_legend else 16, "bottom": 4}
    legend = {"top": 0, "left": 0, "itemWidth": 10, "itemHeight": 10, "textStyle": {":color": _TEXT}}
    with ui.element("figure").classes("chart"):
        with ui.element("figcaption"):
            ui.label(title)
        chart = ui.echart(
            {
                "xAxis": x_axis,
                "yAxis": y_axis,
                "series": series,
                "tooltip": {"trigger": "axis", "confine": True},
                "grid": {**margins, "containLabel": True},
                "legend": legend if has_legend else {"show": False},
                "textStyle": {"fontFamily": "system-ui, sans-serif"},
                "aria": {"enabled": True},
                "animation": False,
            }
        )
        chart.props["role"], chart.props["aria-label"] = "img", title


def _draw_table(table: Table, file_name: str) -> None:
    with ui.element("section").classes("table"):
        with ui.element("div").classes("head"):
            ui.label(table.title).classes("title").props("role=heading aria-level=2")
            button = quiet_button("CSV", lambda: _download(table, file_name))
            button.props["icon"], button.props["aria-label"] = "download", f"{table.title} as CSV"
        cells_table(table.header, [[str(cell) for cell in row] for row in table.rows])


def _download(table: Table, file_name: str) -> None:
    ui.download.content(table.csv().encode(), file_name, "text/csv")
