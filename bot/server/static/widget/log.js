/* The part of the panel that scrolls: the greeting, the conversation, the typing dots. */

import { button, element, icon } from "./elements.js";

const NEAR_END_PX = 80;

export class Log {
  #dots = element("div.dots", { "aria-hidden": "true", hidden: true }, ...Array.from("...", () => element("i")));
  #newer;
  #wasAtEnd;

  constructor(translate) {
    this.intro = element("div.intro");
    this.list = element("div");
    const attributes = { role: "log", tabindex: "0", scroll: () => this.#scrolled() };
    this.node = translate("log", element("div.log", attributes, this.intro, this.list, this.#dots), "aria-label");
    this.#newer = button("newer", { hidden: true, click: () => this.toEnd() },
      icon("down"), translate("newer", element("span")));
    this.middle = element("div.middle", {}, this.node, this.#newer);
    this.announce(false);
    /* A banner, a keyboard or a turned phone makes the log smaller: its end stays in sight. */
    new ResizeObserver(() => this.grown()).observe(this.node);
  }

  /* What came before is not news: nothing is read out until the conversation is up to date. */
  announce(isOn) {
    this.node.setAttribute("aria-live", isOn ? "polite" : "off");
  }

  type(isOn) {
    this.#dots.hidden = !isOn;
    this.grown();
  }

  /* Something was added: stay at the end for whoever is there, else say that there is news. */
  grown(isNews) {
    if (this.#wasAtEnd || this.#isAtEnd) this.toEnd();
    else if (isNews) this.#newer.hidden = false;
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #scrolled() {
    this.#wasAtEnd = this.#isAtEnd;
    if (this.#wasAtEnd) this.#newer.hidden = true;
  }

  toEnd() {
    this.node.scrollTop = this.node.scrollHeight;
    this.#newer.hidden = true;
    this.#wasAtEnd = true;
  }
}
