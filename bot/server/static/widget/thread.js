/*
 * The conversation as a list of items, each {key, from, sequence, timestamp, messages, state}. Stored items
 * stand in the order of their sequence; what is still on its way stands below them.
 */

import { button, element } from "./elements.js";
import { bubbles } from "./messages.js";

const GROUP_S = 300;

export class Thread {
  #list;
  #locale;
  #view;
  #rows = new Map();

  constructor({ list, locale, ...view }) {
    this.#list = list;
    this.#locale = locale;
    this.#view = view;
  }

  get isEmpty() {
    return !this.#rows.size;
  }

  get(key) {
    return this.#rows.get(key)?.item;
  }

  items() {
    return [...this.#rows.values()].map((row) => row.item);
  }

  /* Add an item, or change the one with its key. */
  put(given) {
    const known = this.#rows.get(given.key);
    const item = { ...known?.item, ...given };
    const row = { node: element("div"), order: this.#rows.size, ...known, item };
    this.#rows.set(item.key, row);
    if (JSON.stringify(known?.item.messages) !== JSON.stringify(item.messages)) this.#fill(row);
    this.#arrange();
  }

  remove(key) {
    this.#rows.get(key).node.remove();
    this.#rows.delete(key);
    this.#arrange();
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  setLocale(locale) {
    this.#locale = locale;
    for (const row of this.#rows.values()) this.#fill(row);
    this.#arrange();
  }

  #fill({ node, item }) {
    const { texts } = this.#locale;
    const { from, key } = item;
    const name = { customer: texts.you, agent: item.name || texts.title, desk: "" }[from] ?? texts.assistant;
    node.replaceChildren(
      element("div.day"),
      element("span.sr", {}, name && `${name}: `),
      ...bubbles(item, { locale: this.#locale, ...this.#view }),
      element("div.meta", {},
        from !== "customer" && element("span", { dir: "auto" }, name),
        element("time"),
        element("span.state"),
        button("retry", { click: () => this.#view.retry(key) }, texts.retry),
      ),
    );
  }

  /* Put the rows in order and give each what depends on its neighbours. Nodes in place are not touched. */
  #arrange() {
    const rows = [...this.#rows.values()].sort(byOrder);
    const spoken = rows.map((row) => row.item.from).lastIndexOf("customer");
    const sent = rows.map((row) => row.item.from === "customer" && !row.item.state).lastIndexOf(true);
    rows.forEach((row, at) => {
      const there = this.#list.children[at];
      if (there !== row.node) this.#list.insertBefore(row.node, there || null);
      this.#dress(row, rows[at - 1]?.item, rows[at + 1]?.item, { isCurrent: at > spoken, isLastSent: at === sent });
    });
  }

  #dress({ item, node }, before, after, { isCurrent, isLastSent }) {
    const { texts } = this.#locale;
    const { state, why, progress } = item;
    const when = dateOf(item);
    const isNewDay = !before || dateOf(before).toDateString() !== when.toDateString();
    const classes = ["item", item.from, state, (isNewDay || !together(before, item)) && "first"];
    node.className = [...classes, !(after && together(item, after)) && "last"].filter(Boolean).join(" ");

    const part = (name) => node.querySelector(name);
    const day = part(".day");
    const time = part("time");
    const failed = state === "failed" && why;
    const word = failed || state || (isLastSent && "sent");
    day.hidden = !isNewDay;
    day.textContent = isNewDay ? this.#locale.day(when) : "";
    time.dateTime = when.toISOString();
    time.textContent = this.#locale.time(when);
    part(".state").textContent = (texts[word] || "") + (state === "sending" && progress ? ` ${Math.round(progress * 100)} %` : "");
    part(".retry").hidden = failed !== "failed";
    for (const choices of node.querySelectorAll(".choices")) choices.hidden = !isCurrent;
  }
}

function dateOf(item) {
  return new Date(item.timestamp * 1000);
}

function byOrder(a, b) {
  const [left, right] = [a, b].map(({ item }) => item.sequence ?? Infinity);
  return left === right ? a.order - b.order : left - right;
}

function together(a, b) {
  return a.from === b.from && a.name === b.name && Math.abs(b.timestamp - a.timestamp) < GROUP_S;
}
