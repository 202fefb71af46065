"""What agents do with opportunities: move them on, win or lose them."""

from __future__ import annotations

from crm_connector import opportunities
from crm_connector.choices import Stage
from crm_connector.tables import Opportunity
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused


def move_opportunity(desk: Desk, token: str, opportunity_id: int, stage: Stage) -> None:
    """Bring an opportunity to another stage.

    Raises:
        Refused: It is won or lost already, or gone.
    """
    with desk.act(token, Permission.OPPORTUNITIES) as deed:
        opportunity = deed.session.get(Opportunity, opportunity_id)
        if opportunity is None:
            raise Refused("There is no such opportunity.")
        try:
            has_moved = opportunities.set_stage(deed.session, opportunity, stage)
        except opportunities.OpportunityClosed as closed:
            raise Refused(f"This opportunity is {opportunity.stage.value} already.") from closed
        if has_moved:
            deed.note("opportunity.stage", f"opportunity {opportunity_id}", to=stage.value)
