"""The demo company is the same every time, and looks like one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from crm_connector import database, orders, products, recommendations, sample_data
from crm_connector.choices import OrderStatus
from crm_connector.columns import Base
from crm_connector.tables import Customer, Order, OrderLine, Product
from tests.crm_connector.conftest import empty
from tests.crm_connector.factories import NOW


def _filled(store: database.Store, seed: int = 1) -> bool:
    with store.session() as session:
        return sample_data.fill(session, seed=seed, now=NOW)


@pytest.fixture(scope="module")
def company(new_url: Callable[[], str]) -> Iterator[database.Store]:
    """A filled store that is only read."""
    with database.open(new_url()) as store:
        _filled(store)
        yield store


def _rows(store: database.Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the agents, without ids and references."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    with store.reading() as session:
        for table in Base.metadata.sorted_tables:
            columns = [
                column
                for column in table.columns
                if not column.primary_key and not column.foreign_keys and table.name != "agents"
            ]
            if not columns:
                continue
            found = session.execute(select(*columns).order_by(*table.primary_key)).all()
            rows[table.name] = [tuple(map(repr, row)) for row in found]
    return rows


def test_the_same_seed_gives_the_same_rows(store: database.Store) -> None:
    """Seed and day decide everything; another seed gives other rows."""
    assert _filled(store)
    first = _rows(store)
    assert (len(first["products"]), len(first["customers"]), len(first["orders"])) == (60, 300, 2000)
    empty(store)
    assert _filled(store)
    assert _rows(store) == first
    empty(store)
    assert _filled(store, seed=2)
    assert _rows(store)["orders"] != first["orders"]


def test_a_filled_store_is_left_alone(store: database.Store) -> None:
    """Filling again changes nothing, whatever the seed."""
    _filled(store)
    before = _rows(store)
    assert not _filled(store, seed=2)
    assert _rows(store) == before


def test_the_catalogue_speaks_two_languages(company: database.Store) -> None:
    """Every product has names, descriptions and facts, Chinese ones in Chinese, none twice."""
    with company.reading() as session:
        catalogue = products.catalogue(session)
        assert len(products.categories(session)) == 10
    for product in catalogue:
        assert any("一" <= character <= "鿿" for character in product.name_zh), product.code
        assert any("一" <= character <= "鿿" for character in product.description_zh), product.code
        assert product.description_en.isascii(), product.code
        assert product.price > 0
        assert product.attributes
        assert product.code.startswith("LC-")
    for field in ("code", "name_en", "name_zh", "description_en", "description_zh"):
        assert len({getattr(product, field) for product in catalogue}) == 60, field


def test_orders_hang_together(company: database.Store) -> None:
    """Totals are the sums of lines, times are in order, and everybody bought something."""
    with company.reading() as session:
        amount = func.sum(OrderLine.quantity * OrderLine.unit_price)
        sums = dict(session.execute(select(OrderLine.order_id, amount).group_by(OrderLine.order_id)).all())
        rows = session.scalars(select(Order)).all()
        assert session.scalar(select(func.count(func.distinct(Order.customer_id)))) == 299 + 1
    for order in rows:
        assert order.total == sums[order.id], order.number
        assert order.placed_at <= NOW
        assert order.placed_at >= NOW - timedelta(days=731)
        assert (order.delivered_at is not None) is (order.status == OrderStatus.DELIVERED)
        assert order.delivered_at is None or order.placed_at < order.delivered_at <= NOW
        assert (order.parcel_number is None) is (
            order.status in (OrderStatus.PROCESSING, OrderStatus.CANCELLED)
        )


def _has_robot(basket: Counter[str]) -> bool:
    return any(code.startswith("LC-VR-") and code != "LC-VR-080" for code in basket)


def test_purchases_have_a_pattern(company: database.Store) -> None:
    """What goes with something is bought by its owners far more than by others, and again and again."""
    with company.reading() as session:
        cells = recommendations.purchases(session)
        codes = dict(session.execute(select(Product.id, Product.code)).all())
    owned: dict[int, Counter[str]] = {}
    for cell in cells:
        owned.setdefault(cell.customer_id, Counter())[codes[cell.product_id]] += cell.quantity
    with_robot = [basket for basket in owned.values() if _has_robot(basket)]
    without = [basket for basket in owned.values() if not _has_robot(basket)]
    share = sum("LC-VR-080" in basket for basket in with_robot) / len(with_robot)
    others = sum("LC-VR-080" in basket for basket in without) / len(without)
    assert share > 0.3
    assert share > 5 * others
    assert max(basket["LC-VR-080"] for basket in owned.values()) >= 3


@pytest.mark.parametrize("number", [order.number for order in sample_data.DEMO_ORDERS])
def test_demo_orders_are_as_told(company: database.Store, number: str) -> None:
    """Each order of the README belongs to its customer, by e-mail or phone, in its state."""
    told = next(order for order in sample_data.DEMO_ORDERS if order.number == number)
    person = next(person for person in sample_data.DEMO_PEOPLE if person.email == told.email)
    with company.reading() as session:
        order = orders.find_order(session, number, email=told.email)
        assert order is not None
        assert orders.find_order(session, number, phone=person.phone) is order
        assert order.status == told.status
        assert [line.product.code for line in order.lines] == list(told.products)
        assert session.get_one(Customer, order.customer_id).name == person.name


def test_annas_parcel_is_late(company: database.Store) -> None:
    """The story of the README: Anna's headphones are eight days late, and still on their way."""
    with company.reading() as session:
        order = orders.find_order(session, "LC104233", email="anna@example.com")
        assert order is not None
        assert (orders.days_late(order, now=NOW), order.delivered_at) == (8, None)
        assert order.parcel_number
