"""The demo company: sixty products, three hundred customers and two thousand orders over two years.

The same seed and the same day give the same rows. People buy what suits them (a runner buys a running
watch), what goes with it (a strap), and again what wears out (brushes of a vacuum robot), so that there is
something to recommend. Some rows are meant for the hand: see `DEMO_ORDERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crm_connector import agents
from crm_connector.choices import OrderStatus, ReturnStatus
from crm_connector.columns import utc_now
from crm_connector.sample_catalogue import sample_products
from crm_connector.sample_names import Person, sample_people
from crm_connector.tables import Customer, Order, OrderLine, Product, Return

CUSTOMERS = 300
ORDERS = 2_000
DAYS = 730

DEMO_AGENT = "ines@lumen.example"


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """An order that the README can name: days count back from the day of filling."""

    number: str
    email: str
    products: tuple[str, ...]
    status: OrderStatus
    placed_days: int
    promised_days: int
    delivered_days: int | None = None


_ANNA = Person(
    "Anna Bergström",
    "anna@example.com",
    "+49 151 23456789",
    "en",
    "Gartenstraße 12",
    "20095",
    "Hamburg",
    "DE",
)
_LI_LEI = Person("李雷", "lilei@example.com", "+86 138 0013 8000", "zh", "朝阳路88号", "100020", "北京", "CN")
DEMO_PEOPLE = (_ANNA, _LI_LEI)

DEMO_ORDERS = (
    # Anna waits for her headphones: eight days after the promised day they are still on their way.
    DemoOrder("LC104233", "anna@example.com", ("LC-HP-210",), OrderStatus.SHIPPED, 13, 8),
    # Arrived last week, so it can be sent back.
    DemoOrder("LC104871", "anna@example.com", ("LC-KT-280", "LC-LM-180"), OrderStatus.DELIVERED, 12, 8, 8),
    # Not packed yet: may be cancelled or sent elsewhere.
    DemoOrder("LC104990", "anna@example.com", ("LC-CH-150",), OrderStatus.PROCESSING, 0, -4),
    # Too old to be sent back.
    DemoOrder("LC101190", "anna@example.com", ("LC-HP-160",), OrderStatus.DELIVERED, 200, 196, 197),
    # Li Lei's robot is late too; his lamp came in time.
    DemoOrder("LC205518", "lilei@example.com", ("LC-VR-400",), OrderStatus.SHIPPED, 11, 6),
    DemoOrder("LC205102", "lilei@example.com", ("LC-LM-310",), OrderStatus.DELIVERED, 20, 16, 17),
)

# What suits whom: endings of product codes.
_TASTES = (
    "HP-320 KB-360 MN-290 CH-100 SP-340 KB-240",  # plays
    "MN-270 KB-180 CM-110 LM-240 CH-065 MN-050 KB-300 KB-050 MN-220",  # works at home
    "HP-250 WT-220 WT-100 SP-110 CH-210 WT-290",  # runs
    "HP-480 HP-210 SP-560 SP-420 SP-200 HP-160",  # listens
    "VR-310 KT-150 LM-450 SP-260 CM-190 KT-210 VR-150",  # keeps house and a cat
    "HP-210 KT-100 MN-160 CH-210 CM-410 LM-180 WT-150",  # travels
    "LM-110 WT-180 CM-190 KT-280 LM-370 VR-230 HP-120",  # has children
    "LM-310 CM-260 CM-330 VR-520 SP-200 VR-400 CH-150",  # automates
    "KT-340 SP-260 KT-400 LM-450 SP-560 KT-280",  # brews and reads
)

# What goes with what; the second half of a pair is bought with or soon after the first.
_COMPLEMENTS: Mapping[str, str] = {
    "VR-150": "VR-080", "VR-230": "VR-080", "VR-310": "VR-080", "VR-400": "VR-080", "VR-520": "VR-080",
    "CM-410": "CM-060", "CM-190": "CM-060", "WT-150": "WT-020", "WT-220": "WT-020", "WT-100": "WT-020",
    "MN-270": "MN-050", "MN-290": "MN-050", "MN-340": "MN-050", "KB-110": "KB-050", "KB-300": "KB-050",
    "HP-160": "CH-150", "HP-210": "CH-010", "CH-065": "CH-010", "MN-160": "CH-010", "CH-210": "CH-010",
}  # fmt: skip

_WEARS_OUT = ("VR-080", "CH-010", "WT-020", "CM-060", "CH-020")


@dataclass(frozen=True, slots=True)
class _Plan:
    """An order before it is written down."""

    number: str
    person: Person
    codes: tuple[str, ...]
    status: OrderStatus
    placed_at: datetime
    promised_at: datetime
    delivered_at: datetime | None


def fill(session: Session, *, seed: int = 1, now: datetime | None = None) -> bool:
    """Fill an empty store; False when there are products already, and nothing is touched.

    Args:
        session: The transaction; a second one that fills at the same time waits for it and finds the rows.
        seed: Of the generator.
        now: The last day of the two years; today when left out.
    """
    agents.find_or_create(
        session, DEMO_AGENT, name="Ines Okafor"
    )  # its unique e-mail makes the second one wait
    if session.scalar(select(Product.id).limit(1)) is not None:
        return False
    today = (now or utc_now()).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    random = Random(seed)  # noqa: S311 - sample data, no secret
    products = {product.code: product for product in sample_products()}
    session.add_all(products.values())
    people = [*DEMO_PEOPLE, *sample_people(random, CUSTOMERS - len(DEMO_PEOPLE))]
    customers = {person.email: _customer(person, today) for person in people}
    session.add_all(customers.values())
    session.flush()
    plans = [_demo_plan(order, today) for order in DEMO_ORDERS]
    plans += _plans(random, people[len(DEMO_PEOPLE) :], ORDERS - len(plans), today)
    _write(session, random, plans, products, customers)
    return True


def _customer(person: Person, today: datetime) -> Customer:
    since = today - timedelta(days=DAYS)
    return Customer(
        name=person.name,
        email=person.email,
        phone=person.phone,
        language=person.language,
        street=person.street,
        postal_code=person.postal_code,
        city=person.city,
        country=person.country,
        created_at=since,
        updated_at=since,
    )


def _demo_plan(order: DemoOrder, today: datetime) -> _Plan:
    def ago(days: int) -> datetime:
        return today - timedelta(days=days)

    return _Plan(
        number=order.number,
        person=next(person for person in DEMO_PEOPLE if person.email == order.email),
        codes=order.products,
        status=order.status,
        placed_at=ago(order.placed_days),
        promised_at=ago(order.promised_days),
        delivered_at=None if order.delivered_days is None else ago(order.delivered_days),
    )


def _plans(random: Random, people: list[Person], count: int, today: datetime) -> list[_Plan]:
    """Everybody buys once, some often; oldest first, with numbers that tell nothing of the date."""
    eager = [min(random.paretovariate(1.5), 6.0) for _ in people]
    buyers = people + random.choices(people, eager, k=count - len(people))
    moments = sorted(today - timedelta(minutes=random.randrange(DAYS * 24 * 60)) for _ in buyers)
    random.shuffle(buyers)
    taken = {order.number for order in DEMO_ORDERS}
    numbers = [f"LC{n}" for n in random.sample(range(110_000, 1_000_000), count + len(taken))]
    numbers = [number for number in numbers if number not in taken][:count]
    tastes = {person.email: random.choice(_TASTES).split() for person in people}
    owned: dict[str, set[str]] = {person.email: set() for person in people}
    plans = []
    for number, person, placed_at in zip(numbers, buyers, moments, strict=True):
        codes = _basket(random, tastes[person.email], owned[person.email])
        owned[person.email].update(codes)
        plan = _Plan(number, person, tuple(f"LC-{code}" for code in codes), OrderStatus.PROCESSING, placed_at,
                     placed_at + timedelta(days=4), None)  # fmt: skip
        plans.append(_delivered(random, plan, today))
    return plans


def _basket(random: Random, taste: list[str], owned: set[str]) -> list[str]:
    """What somebody buys next: what suits her and is new to her, what goes with it, or what wore out."""
    worn = [code for code in _WEARS_OUT if code in owned]
    if worn and random.random() < 0.15:
        return [random.choice(worn)]
    wanted = [code for code in taste if code not in owned]
    if not wanted or random.random() < 0.2:
        wanted = [code for other in _TASTES for code in other.split() if code not in owned] or list(
            _WEARS_OUT
        )
    basket = [random.choice(wanted)]
    if random.random() < 0.25 and len(wanted) > 1:
        basket.append(random.choice([code for code in wanted if code != basket[0]] or wanted))
    complement = _COMPLEMENTS.get(basket[0])
    if complement and random.random() < 0.5:
        basket.append(complement)
    return list(dict.fromkeys(basket))


def _delivered(random: Random, plan: _Plan, today: datetime) -> _Plan:
    """How far an order got by today: one in ten comes late, one in thirty is cancelled."""
    if random.random() < 1 / 30:
        return replace(plan, status=OrderStatus.CANCELLED)
    days = random.uniform(4.5, 9) if random.random() < 0.1 else random.uniform(1.5, 4)
    arrival = plan.placed_at + timedelta(days=days)
    if arrival <= today:
        return replace(plan, status=OrderStatus.DELIVERED, delivered_at=arrival)
    left = plan.placed_at + timedelta(days=1) <= today
    return replace(plan, status=OrderStatus.SHIPPED if left else OrderStatus.PROCESSING)


def _write(
    session: Session,
    random: Random,
    plans: list[_Plan],
    products: Mapping[str, Product],
    customers: Mapping[str, Customer],
) -> None:
    """Insert orders, lines and returns, a table at a time: thousands of rows take a second that way."""
    lines = [
        [
            (products[code], 2 if code[3:] in _WEARS_OUT and random.random() < 0.3 else 1)
            for code in plan.codes
        ]
        for plan in plans
    ]
    session.execute(
        insert(Order),
        [_order_row(random, plan, bought, customers) for plan, bought in zip(plans, lines, strict=True)],
    )
    ids = dict(session.execute(select(Order.number, Order.id)).all())
    session.execute(
        insert(OrderLine),
        [
            {
                "order_id": ids[plan.number],
                "product_id": product.id,
                "quantity": quantity,
                "unit_price": product.price,
            }
            for plan, bought in zip(plans, lines, strict=True)
            for product, quantity in bought
        ],
    )
    _write_returns(session, random)


def _order_row(
    random: Random, plan: _Plan, bought: list[tuple[Product, int]], customers: Mapping[str, Customer]
) -> dict[str, object]:
    moved = plan.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED)
    return {
        "number": plan.number,
        "customer_id": customers[plan.person.email].id,
        "email": plan.person.email,
        "phone": plan.person.phone,
        "status": plan.status,
        "total": sum(product.price * quantity for product, quantity in bought),
        "currency": "EUR",
        "carrier": random.choice(("DHL", "DPD", "UPS")) if moved else None,
        "parcel_number": f"{random.randrange(10**11, 10**12)}" if moved else None,
        "street": plan.person.street,
        "postal_code": plan.person.postal_code,
        "city": plan.person.city,
        "country": plan.person.country,
        "placed_at": plan.placed_at,
        "promised_at": plan.promised_at,
        "shipped_at": plan.placed_at + timedelta(days=1) if moved else None,
        "delivered_at": plan.delivered_at,
    }


def _write_returns(session: Session, random: Random) -> None:
    """One delivered line in twenty-five went back and was refunded; demo orders are left whole."""
    reasons = ("changed my mind", "arrived damaged", "does not fit my desk", "stopped working", "颜色不喜欢")
    query = (
        select(OrderLine, Order.delivered_at)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.status == OrderStatus.DELIVERED)
        .where(Order.number.not_in([order.number for order in DEMO_ORDERS]))
        .order_by(OrderLine.id)
    )
    for line, delivered_at in session.execute(query).all():
        if random.random() < 0.04 and delivered_at is not None:
            asked_at = delivered_at + timedelta(days=3)
            session.add(
                Return(
                    order_line_id=line.id,
                    reason=random.choice(reasons),
                    status=ReturnStatus.REFUNDED,
                    amount=line.unit_price * line.quantity,
                    created_at=asked_at,
                    refunded_at=asked_at + timedelta(days=6),
                )
            )
    session.flush()
