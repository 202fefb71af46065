/*
 * The conversation as a list of items, each {key, from, sequence, timestamp, messages, state}. Stored items
 * stand in the order of their sequence; what is still on its way stands below them.
 */

import { element } from "./elements.js";
import { bubbles } from "./messages.js";

const GROUP_S = 300;

export class Thread {
  constructor({ list, locale, pick, retry }) {
    Object.assign(this, { list, locale, pick, retry });
    this.rows = new Map();
  }

  get(key) {
    const row = this.rows.get(key);
    return row ? row.item : null;
  }

  items() {
    return [...this.rows.values()].map((row) => row.item);
  }

  /* Add an item, or change the one with its key. */
  put(item) {
    const known = this.rows.get(item.key);
    const merged = { ...(known ? known.item : {}), ...item };
    const node = known ? known.node : element("div", {});
    this.rows.set(item.key, { item: merged, node, order: known ? known.order : this.rows.size });
    if (!known || JSON.stringify(known.item.messages) !== JSON.stringify(merged.messages)) {
      this.fill(node, merged);
    }
    this.arrange();
  }

  remove(key) {
    const row = this.rows.get(key);
    if (!row) return;
    row.node.remove();
    this.rows.delete(key);
    this.arrange();
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
  }

  setLocale(locale) {
    this.locale = locale;
    for (const { item, node } of this.rows.values()) this.fill(node, item);
    this.arrange();
  }

  fill(node, item) {
    const { texts } = this.locale;
    const name = { customer: texts.you, agent: texts.agent }[item.from] || texts.assistant;
    const meta = element("div", { class: "meta" },
      item.from === "customer" ? null : element("span", {}, name),
      element("time", {}),
      element("span", { class: "state" }),
      element("button", { type: "button", class: "retry", click: () => this.retry(item.key) }, texts.retry),
    );
    node.replaceChildren(
      element("div", { class: "day" }),
      element("span", { class: "sr" }, `${name}: `),
      ...bubbles(item, this.locale, this.pick),
      meta,
    );
  }

  /* Put the rows in order and give each what depends on its neighbours. Nodes in place are not touched. */
  arrange() {
    const rows = [...this.rows.values()].sort(byOrder);
    const spoken = rows.map((row) => row.item.from).lastIndexOf("customer");
    const lastSent = rows.map((row) => row.item.from === "customer" && !row.item.state).lastIndexOf(true);
    rows.forEach((row, at) => {
      if (this.list.children[at] !== row.node) this.list.insertBefore(row.node, this.list.children[at] || null);
      this.dress(row, rows[at - 1], rows[at + 1], { isCurrent: at > spoken, isLastSent: at === lastSent });
    });
  }

  dress({ item, node }, before, after, { isCurrent, isLastSent }) {
    const { texts } = this.locale;
    const when = new Date(item.timestamp * 1000);
    const isNewDay = !before || new Date(before.item.timestamp * 1000).toDateString() !== when.toDateString();
    const classes = ["item", item.from, item.state];
    if (!before || isNewDay || !together(before.item, item)) classes.push("first");
    if (!after || !together(item, after.item)) classes.push("last");
    node.className = classes.filter(Boolean).join(" ");

    const [day] = node.getElementsByClassName("day");
    day.hidden = !isNewDay;
    day.textContent = isNewDay ? this.locale.day(when) : "";
    const [time] = node.getElementsByTagName("time");
    time.dateTime = when.toISOString();
    time.textContent = this.locale.time(when);
    const [state] = node.getElementsByClassName("state");
    const word = item.state === "failed" ? item.why : item.state || (isLastSent && "sent");
    state.textContent = texts[word] || "";
    const [retry] = node.getElementsByClassName("retry");
    retry.hidden = item.state !== "failed" || item.why === "tooLong";
    for (const choices of node.getElementsByClassName("choices")) choices.hidden = !isCurrent;
  }
}

function byOrder(a, b) {
  const [left, right] = [a.item.sequence ?? Infinity, b.item.sequence ?? Infinity];
  return left === right ? a.order - b.order : left - right;
}

function together(a, b) {
  return a.from === b.from && Math.abs(b.timestamp - a.timestamp) < GROUP_S;
}
