"""What the assistant of the demo shop says in the browser tests, in both languages."""

from __future__ import annotations

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

LATE = {
    "en": "My parcel LC104233 is more than a week late and nobody answers me!",
    "zh": "我的快递LC205518晚了好几天还没到，一直没人回复我！",
}
ADVICE = {"en": "Can you recommend a lamp for reading in bed?", "zh": "能推荐一款适合睡前阅读的台灯吗？"}
ATTACK = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'

_LATE_ANSWER = {
    "en": [
        BotUttered(
            text="I am sorry that your parcel is late, and that nobody got back to you.\n\n"
            "I have opened ticket T-10042 and passed it to a colleague with a summary."
        ),
        BotUttered(
            text="What would help you most?",
            data={
                "buttons": [
                    {"title": "Send a replacement", "payload": '/inform{"reason": "replacement"}'},
                    {"title": "Money back", "payload": '/inform{"reason": "refund"}'},
                ]
            },
        ),
    ],
    "zh": [
        BotUttered(
            text="包裹延误又没有人回复您，非常抱歉。\n\n我已登记工单 T-10042，并附上摘要转交给同事处理。"
        ),
        BotUttered(
            text="您希望我们怎样处理？",
            data={
                "buttons": [
                    {"title": "补发商品", "payload": '/inform{"reason": "replacement"}'},
                    {"title": "退款", "payload": '/inform{"reason": "refund"}'},
                ]
            },
        ),
    ],
}


def _products(*rows: tuple[str, str, str, str]) -> JSON:
    products = [
        {
            "sku": sku,
            "name": name,
            "price": price,
            "currency": "EUR",
            "reason": reason,
            "payload": "/express_interest" + '{"product": "' + sku + '"}',
        }
        for sku, name, price, reason in rows
    ]
    return {"type": "product_cards", "products": products}


_ADVICE_ANSWER = {
    "en": [
        BotUttered(text="These three suit reading in bed:"),
        BotUttered(
            data={
                "custom": _products(
                    ("LC-LA-110", "Aria bedside lamp", "49.90", "Warm light that dims to a candle."),
                    ("LC-LA-121", "Nook clip light", "24.00", "Clips on; the light stays on your page."),
                    ("LC-LA-140", "Halo floor lamp", "129.00", "Goes with the speaker you bought in May."),
                )
            }
        ),
    ],
    "zh": [
        BotUttered(text="这三款适合睡前阅读："),
        BotUttered(
            data={
                "custom": _products(
                    ("LC-LA-110", "Aria 床头灯", "49.90", "暖光，可一直调暗到烛光亮度。"),
                    ("LC-LA-121", "Nook 夹灯", "24.00", "夹在床头，光线只落在书页上。"),
                    ("LC-LA-140", "Halo 落地灯", "129.00", "与您五月购买的音箱同一系列。"),
                )
            }
        ),
    ],
}


def shop(text: str) -> list[BotUttered]:
    """Answer as the demo shop would; what it does not know it repeats."""
    for locale in ("en", "zh"):
        if text == LATE[locale]:
            return _LATE_ANSWER[locale]
        if text == ADVICE[locale]:
            return _ADVICE_ANSWER[locale]
    if text == ATTACK:
        return _attack()
    return [BotUttered(text=f"You said: {text}")]


def _attack() -> list[BotUttered]:
    card = {"sku": "x", "name": ATTACK, "price": ATTACK, "currency": ATTACK, "reason": ATTACK}
    links = {"image": "javascript:window.attacked=1", "url": "javascript:window.attacked=1"}
    return [
        BotUttered(text=ATTACK, data={"buttons": [{"title": ATTACK, "payload": "x", "url": links["url"]}]}),
        BotUttered(data={"custom": {"type": "product_cards", "products": [card | links]}}),
        BotUttered(data={"image": links["image"], "attachment": {"url": links["url"], "name": ATTACK}}),
        BotUttered(text='See https://shop.example/a?b=1"onclick=x, or javascript:alert(1).'),
    ]
