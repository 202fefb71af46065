"""The training inbox: doubtful messages one under the other, and the file that comes of what is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from crm_connector.choices import Sentiment, Verdict
from crm_connector.desk.training_inbox import REASONS
from desk.access import Permission
from desk.components import TrainingInbox
from desk.deeds import training
from desk.deeds.training import Assistant
from desk.pages.frame import Visit, begin, desk_page, heading, main_button, quiet_button, show


@desk_page("/training")
async def training_page(request: Request) -> None:
    """Collect what is doubtful and show it."""
    visit = begin(request, Permission.TRAINING)
    if visit is None:
        return
    assistant = visit.workplace.assistant
    if assistant is None:
        with ui.element("div").classes("page").props("id=content"):
            ui.label("This server knows no project to write training data for.").classes("empty")
        return
    await visit.run(training.collect)
    await _TrainingPage(visit, assistant).build()


@dataclass
class _TrainingPage:
    """The folder of the inbox that is looked at."""

    visit: Visit
    assistant: Assistant
    why: str | None = None
    verdict: Verdict = Verdict.OPEN

    async def build(self) -> None:
        """Put up the choice of messages and the list."""
        with ui.element("div").classes("page").props("id=content"):
            with ui.element("div").classes("head"):
                heading("Training inbox", "What the assistant was unsure of: say what was meant.")
                with ui.element("div").classes("bar"):
                    states = {one.value: one.value.capitalize() for one in Verdict}
                    state = ui.select(states, value=Verdict.OPEN.value, label="State")
                    state.on_value_change(lambda event: self._choose(verdict=Verdict(event.value)))
                    main_button("Write training data", self._export)
            with ui.element("div").classes("filters").props('role=group aria-label="Why"'):
                self.filters = {why: self._filter(why) for why in (None, *REASONS)}
            self.empty = ui.label("Nothing is doubtful here.").classes("empty")
            self.list = TrainingInbox()
            self.list.on("validate", self._decide(training.validate))
            self.list.on("unknown", self._decide(training.mark_unknown))
            self.list.on("remove", self._decide(training.remove))
            self.list.on("reopen", self._decide(training.reopen))
            self.list.on("change", self._change)
        show(self.list, intents=sorted(self.assistant.intents()), entities=sorted(self.assistant.entities()))
        await self.refresh()

    def _filter(self, why: str | None) -> ui.button:
        return quiet_button("All", lambda: self._choose(why=why)).classes("filter")

    async def refresh(self) -> None:
        """Read the messages and the counts again."""
        rows = await self.visit.run(training.inbox, why=self.why, verdict=self.verdict)
        counts = await self.visit.run(training.open_counts)
        if rows is None or counts is None:
            return
        self._show_counts(counts)
        self.empty.set_visibility(not rows)
        show(self.list, rows=rows)

    def _show_counts(self, counts: Mapping[str, int]) -> None:
        for why, button in self.filters.items():
            button.text = f"{why.replace('_', ' ').capitalize()} {counts[why]}" if why else "All"
            button.props(f"aria-pressed={'true' if why == self.why else 'false'}")

    async def _choose(self, **chosen: object) -> None:
        for name, value in chosen.items():
            setattr(self, name, value)
        await self.refresh()

    def _decide(self, deed: Callable[..., None]) -> Callable[[GenericEventArguments], object]:
        async def decide(event: GenericEventArguments) -> None:
            await self.visit.run(deed, int(event.args))
            await self.refresh()

        return decide

    async def _change(self, event: GenericEventArguments) -> None:
        mood = event.args["sentiment"]
        await self.visit.run(
            training.change,
            int(event.args["id"]),
            intent=str(event.args["intent"]),
            entities=list(event.args["entities"]),
            sentiment=Sentiment(mood) if mood else None,
        )
        await self.refresh()

    async def _export(self) -> None:
        written = await self.visit.run(training.export, self.assistant.nlu_folder)
        if written is not None:
            path, count = written
            ui.notify(f"{count} examples stand in {path.name}. Review, train, and test them.", position="top")
