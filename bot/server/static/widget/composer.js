/* Where the customer writes, sends files, asks for a person and rates. */

import { button, element, icon } from "./elements.js";

export const MAX_CHARACTERS = 10_000;

export class Composer {
  #panel;
  #clip;
  #picker;
  #sender;
  #alert;

  constructor(panel, translate) {
    this.#panel = panel;
    const action = (key, name, click) =>
      button("action", { click }, icon(name), translate(key, element("span")));
    const tool = (key, name, look, attributes) => translate(key, button(look, attributes, icon(name)), "aria-label");
    this.human = action("human", "person", () => panel.askForPerson());
    this.rating = action("rate", "star", () => panel.rate());
    this.draft = translate("write", element("textarea.draft", {
      rows: "1", maxlength: MAX_CHARACTERS, dir: "auto", input: () => this.#edited(),
    }), "aria-label");
    translate("write", this.draft, "placeholder");
    const picked = () => {
      this.attach(this.#picker.files);
      this.#picker.value = "";
    };
    this.#picker = element("input", { type: "file", multiple: true, hidden: true, change: picked });
    this.#clip = tool("attach", "clip", "plain", { hidden: true, click: () => this.#picker.click() });
    this.#sender = tool("send", "send", "send", { disabled: true, click: () => this.submit() });
    this.#alert = element("p.alert", { role: "alert", hidden: true });
    this.node = element("div.foot", {},
      element("div.actions", {}, this.human, this.rating),
      this.#alert,
      element("div.composer", {}, this.#clip, this.#picker, this.draft, this.#sender),
    );
  }

  complain(text) {
    this.#alert.textContent = text;
    this.#alert.hidden = !text;
  }

  allow({ max_bytes, types }) {
    this.#clip.hidden = !max_bytes;
    this.#picker.accept = types.join();
  }

  attach(files) {
    const { chat, locale } = this.#panel;
    const { max_bytes, types } = chat.limits;
    this.complain("");
    for (const file of max_bytes ? files : []) {
      if (file.size > max_bytes) this.complain(locale.texts.large(locale.size(max_bytes)));
      else if (!accepts(types, file.type)) this.complain(locale.texts.kind);
      else this.#panel.say((to) => to.sendFile(file));
    }
  }

  submit() {
    const text = this.draft.value.trim();
    if (!text) return;
    this.draft.value = "";
    this.#edited();
    this.#panel.say((to) => to.say(text));
    this.draft.focus();
  }

  #edited() {
    const { style, value } = this.draft;
    style.height = "auto";
    style.height = `${this.draft.scrollHeight}px`;
    this.#sender.disabled = !value.trim();
    this.complain("");
  }
}

/* What the browser thinks a file is. It knows few kinds of plain text by that name; the server looks inside. */
function accepts(types, type) {
  return types.includes(type) || (types.includes("text/plain") && /^(text\/(?!html)|$)/.test(type));
}
