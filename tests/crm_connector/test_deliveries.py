"""Lanes keep their order, keys make queueing harmless to repeat, and only heads are handed out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import deliveries, inbox, lanes
from crm_connector.choices import Progress
from crm_connector.columns import utc_now
from crm_connector.database import Store
from crm_connector.deliveries import Parcel
from crm_connector.tables import AcceptedMessage, Delivery, DeliveryTarget


def said(text: str) -> Parcel:
    """Words of the bot, as one request."""
    return Parcel({"event": "bot", "text": text, "timestamp": 1.5}, [{"text": text}])


def ids(session: Session) -> list[int]:
    """The ids of all deliveries, ascending."""
    return list(session.scalars(select(Delivery.id).order_by(Delivery.id)))


def test_a_message_is_accepted_once(store: Store) -> None:
    """The same id of the same sender and channel is a redelivery, in the same transaction and later."""
    with store.session() as session:
        first = inbox.accept(session, "telegram", "ada", "7", {"text": "hi"})
        assert first is not None
        assert inbox.accept(session, "telegram", "ada", "7", {"text": "hi"}) is None
    with store.session() as session:
        assert inbox.accept(session, "telegram", "ada", "7", {"text": "hi"}) is None
        assert inbox.accept(session, "telegram", "bea", "7", {"text": "hi"}) is not None
        assert inbox.accept(session, "slack", "ada", "7", {"text": "hi"}) is not None


def test_a_message_is_closed_once(store: Store) -> None:
    """Of two who have handled the same message one closes it, and what it said is not kept."""
    with store.session() as session:
        row = inbox.accept(session, "telegram", "ada", "7", {"text": "hi"})
        assert row is not None
        assert inbox.handled(session, row.id)
        assert not inbox.handled(session, row.id)
        assert (row.state, row.message) == (Progress.DONE, {})


def test_only_the_first_open_row_of_a_lane_has_its_turn(session: Session) -> None:
    """The head of each lane is handed out, and none while the head is being worked on or waits."""
    deliveries.queue(session, "slack", "ada", [said("one"), said("two")], key="a")
    deliveries.queue(session, "slack", "bea", [said("three")], key="b")
    one, two, three = ids(session)
    assert [head.id for head in lanes.heads(session, Delivery, ["slack"])] == [one, three]
    assert lanes.begin(session, Delivery, one) is not None
    assert [head.id for head in lanes.heads(session, Delivery, ["slack"])] == [three]
    assert lanes.head_of(session, Delivery, "slack", "ada") is None
    lanes.postpone(session, Delivery, one, "busy", 5.0)
    assert lanes.head_of(session, Delivery, "slack", "ada") is None
    lanes.bury(session, Delivery, one, "never")
    head = lanes.head_of(session, Delivery, "slack", "ada")
    assert head is not None
    assert head.id == two


def test_a_closed_row_is_not_begun(session: Session) -> None:
    """Whoever comes late to a row that is done, dead or dropped gets nothing."""
    deliveries.queue(session, "slack", "ada", [said("one")], key="a")
    [row_id] = ids(session)
    lanes.bury(session, Delivery, row_id, "never")
    assert deliveries.begin(session, row_id, [], can_ask=True) is None


def test_a_failure_leaves_its_reason_and_the_time_of_the_next_attempt(session: Session) -> None:
    """An operator sees why something waits, and until when."""
    deliveries.queue(session, "slack", "ada", [said("one")], key="a")
    [row_id] = ids(session)
    lanes.begin(session, Delivery, row_id)
    lanes.postpone(session, Delivery, row_id, "busy", 60.0)
    row = session.get_one(Delivery, row_id, populate_existing=True)
    assert (row.state, row.attempts, row.last_error) == (Progress.RETRYING, 1, "busy")
    assert row.next_attempt_at is not None
    assert timedelta(seconds=50) < row.next_attempt_at - utc_now() <= timedelta(seconds=60)


def test_queueing_under_a_used_key_changes_nothing(session: Session) -> None:
    """The same words queued again after a crash are the same words."""
    assert deliveries.queue(session, "slack", "ada", [said("one"), said("two")], key="a")
    assert not deliveries.queue(session, "slack", "ada", [said("one"), said("two")], key="a")
    assert len(ids(session)) == 2


def test_parts_are_counted_once(session: Session) -> None:
    """Two who sent the same part note it once, and the last part closes the delivery."""
    deliveries.queue(session, "slack", "ada", [Parcel({"timestamp": 1.0}, [{"n": 1}, {"n": 2}])], key="a")
    [row_id] = ids(session)
    deliveries.begin(session, row_id, [], can_ask=True)
    assert not deliveries.part_sent(session, row_id, 0, "x1")
    assert not deliveries.part_sent(session, row_id, 0, "x2")
    assert deliveries.part_sent(session, row_id, 1, "x3")
    row = session.get_one(Delivery, row_id)
    assert (row.state, row.peer_ids, row.parts_sent) == (Progress.DONE, ["x1", "x3"], 2)


def test_doubt_stays_until_it_is_cleared(session: Session) -> None:
    """A request is in doubt from its start to its answer; sent again without asking it is doubtful."""
    deliveries.queue(session, "slack", "ada", [said("one")], key="a")
    [row_id] = ids(session)
    attempts = []
    for can_ask in (True, True, False):
        begun = deliveries.begin(session, row_id, [], can_ask=can_ask)
        assert begun is not None
        attempts.append((begun[1], begun[0].is_doubtful))
    deliveries.not_sent(session, row_id, 0)
    begun = deliveries.begin(session, row_id, [], can_ask=False)
    assert begun is not None
    assert [*attempts, begun[1]] == [(False, False), (True, False), (True, True), False]


def test_replay_and_drop_touch_what_they_should(session: Session) -> None:
    """Only dead rows are replayed, only open and dead ones dropped; without ids dead ones alone."""
    for name in ("dead", "done", "open", "dead too"):
        deliveries.queue(session, "slack", name, [said(name)], key=name)
    dead, done, waiting, dead_too = ids(session)
    for row_id in (dead, dead_too):
        lanes.bury(session, Delivery, row_id, "never")
    deliveries.begin(session, done, [], can_ask=True)
    deliveries.part_sent(session, done, 0, None)
    assert lanes.replay(session, Delivery, [dead, done, waiting]) == [dead]
    assert lanes.drop(session, Delivery) == [dead_too]
    assert lanes.drop(session, Delivery, [done, waiting, dead]) == [dead, waiting]
    assert set(lanes.counts(session, Delivery).values()) == {0}


def test_what_was_closed_long_ago_is_forgotten(session: Session) -> None:
    """Rows that are over are deleted after a time, dead ones stay until somebody decides."""
    for name in ("done", "dead", "open"):
        deliveries.queue(session, "slack", name, [said(name)], key=name)
    done, dead, waiting = ids(session)
    lanes.bury(session, Delivery, dead, "never")
    deliveries.begin(session, done, [], can_ask=True)
    deliveries.part_sent(session, done, 0, None)
    assert lanes.forget_closed(session, Delivery, utc_now() - timedelta(hours=1)) == 0
    assert lanes.forget_closed(session, Delivery, utc_now() + timedelta(hours=1)) == 1
    assert ids(session) == [dead, waiting]


def test_targets_are_those_that_were_set_last(session: Session) -> None:
    """A server that starts says where deliveries may go; channels that others serve stay."""
    before = {"slack": (), "webhook:shop": ("ticket.*",), "webhook:old": ("*",)}
    deliveries.set_targets(session, before)
    now = {"telegram": (), "webhook:shop": ("ticket.opened",)}
    deliveries.set_targets(session, now, replaced="webhook:")
    found = {target.name: target.events for target in session.scalars(select(DeliveryTarget))}
    assert found == {"slack": [], "telegram": [], "webhook:shop": ["ticket.opened"]}


def test_heads_are_those_of_the_channels_that_are_asked_for(session: Session) -> None:
    """A process begins with nothing that it cannot send."""
    deliveries.queue(session, "slack", "ada", [said("one")], key="a")
    deliveries.queue(session, "telegram", "ada", [said("two")], key="b")
    assert [head.channel for head in lanes.heads(session, Delivery, ["telegram", "x"])] == ["telegram"]


def test_a_released_row_begins_a_new_life(session: Session) -> None:
    """Somebody else can begin with it; what is over stays over."""
    deliveries.queue(session, "slack", "ada", [said("one")], key="a")
    [row_id] = ids(session)
    lanes.begin(session, Delivery, row_id)
    session.flush()
    lanes.release(session, Delivery, row_id)
    assert [head.replays for head in lanes.heads(session, Delivery, ["slack"])] == [1]
    lanes.bury(session, Delivery, row_id, "never")
    lanes.release(session, Delivery, row_id)
    assert lanes.heads(session, Delivery, ["slack"]) == []


def test_counts_tell_the_queues_apart(session: Session) -> None:
    """What waits to be handled is not what waits to be sent."""
    inbox.accept(session, "slack", "ada", "1", {})
    deliveries.queue(session, "slack", "ada", [said("one"), said("two")], key="a")
    assert lanes.counts(session, AcceptedMessage)[Progress.QUEUED] == 1
    assert lanes.counts(session, Delivery)[Progress.QUEUED] == 2
