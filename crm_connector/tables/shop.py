"""What is sold, what was bought, what comes back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import OrderStatus, ReturnStatus
from crm_connector.columns import FIRST_NUMBER, Base, choice, utc_now


class Product(Base, kw_only=True):
    """Something to buy; `attributes` are facts such as the battery life, in English."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("code", name="uq_products_code"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    code: Mapped[str]
    category: Mapped[str] = mapped_column(index=True)
    name_en: Mapped[str]
    name_zh: Mapped[str]
    description_en: Mapped[str]
    description_zh: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(default="EUR")
    attributes: Mapped[dict[str, str]] = mapped_column(default_factory=dict)
    is_active: Mapped[bool] = mapped_column(default=True)

    def name_in(self, language: str | None) -> str:
        """The name in a language; English where there is no other."""
        return self.name_zh if language == "zh" else self.name_en

    def description_in(self, language: str | None) -> str:
        """The description in a language; English where there is no other."""
        return self.description_zh if language == "zh" else self.description_en


class Order(Base, kw_only=True):
    """A purchase; its own e-mail and phone are the proof asked of whoever wants to know about it."""

    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("number", name="uq_orders_number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    number: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_orders_customer"), index=True
    )
    email: Mapped[str]
    phone: Mapped[str | None] = mapped_column(default=None)
    status: Mapped[OrderStatus] = mapped_column(
        choice(OrderStatus, "ck_orders_status"), default=OrderStatus.PROCESSING
    )
    total: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(default="EUR")
    carrier: Mapped[str | None] = mapped_column(default=None)
    parcel_number: Mapped[str | None] = mapped_column(default=None)
    street: Mapped[str | None] = mapped_column(default=None)
    postal_code: Mapped[str | None] = mapped_column(default=None)
    city: Mapped[str | None] = mapped_column(default=None)
    country: Mapped[str | None] = mapped_column(default=None)
    placed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    promised_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None] = mapped_column(default=None)
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    lines: Mapped[list[OrderLine]] = relationship(default_factory=list, order_by="OrderLine.id")


class OrderLine(Base, kw_only=True):
    """One product of an order."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "product_id", name="uq_order_lines_order_product"),
        CheckConstraint("quantity > 0", name="ck_order_lines_quantity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    order_id: Mapped[int] = mapped_column(
        ForeignKey("orders.id", name="fk_order_lines_order", ondelete="CASCADE"), init=False
    )
    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", name="fk_order_lines_product"), index=True
    )
    quantity: Mapped[int] = mapped_column(default=1)
    unit_price: Mapped[Decimal]
    product: Mapped[Product] = relationship(init=False)


class Return(Base, kw_only=True):
    """An order line on its way back; one for each line, whoever asks how often."""

    __tablename__ = "returns"
    __table_args__ = (UniqueConstraint("order_line_id", name="uq_returns_order_line"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", name="fk_returns_order_line"))
    reason: Mapped[str]
    status: Mapped[ReturnStatus] = mapped_column(
        choice(ReturnStatus, "ck_returns_status"), default=ReturnStatus.REQUESTED
    )
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(default="EUR")
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    refunded_at: Mapped[datetime | None] = mapped_column(default=None)
    order_line: Mapped[OrderLine] = relationship(init=False)

    @property
    def number(self) -> str:
        """What the customer writes on the parcel: R- and five digits."""
        return f"R-{FIRST_NUMBER + self.id}"
