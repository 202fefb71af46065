"""What agents do for a customer beside talking: decide on recommendations."""

from __future__ import annotations

from crm_connector import recommendations
from crm_connector.choices import RecommendationStatus
from crm_connector.tables import Recommendation
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused


def decide_recommendation(desk: Desk, token: str, recommendation_id: int, *, accepted: bool) -> None:
    """Note what the customer made of a recommendation.

    Raises:
        Refused: There is none.
    """
    status = RecommendationStatus.ACCEPTED if accepted else RecommendationStatus.DECLINED
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        recommendation = deed.session.get(Recommendation, recommendation_id)
        if recommendation is None:
            raise Refused("There is no such recommendation.")
        recommendations.decide(deed.session, recommendation, status)
        deed.note("recommendation.decide", f"recommendation {recommendation_id}", status=status.value)
