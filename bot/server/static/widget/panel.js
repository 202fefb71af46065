/* The widget on the page: launcher, panel, and the SDK's functions. */

import { Chat } from "./chat.js";
import { Composer, MAX_CHARACTERS } from "./composer.js";
import { button, element, icon } from "./elements.js";
import { loadLocale } from "./locales.js";
import { Log } from "./log.js";
import { Memory } from "./memory.js";
import { localised } from "./settings.js";
import { styleSheets } from "./style.js";
import { Thread } from "./thread.js";

const BANNER_AFTER_MS = 1_200;
const SIGN_IN_WITHIN_MS = 2_000;
const phone = matchMedia("(max-width: 480px)");
const dark = matchMedia("(prefers-color-scheme: dark)");

export class Panel {
  standing = { has_assistant: true };
  #translated = [];
  #log;
  #composer;
  #thread;
  #title = element("h2", { id: "title" });
  #subtitle = element("p");
  #mark = element("span.mark");
  #banner = element("p.banner", { role: "status", hidden: true });
  #status = element("p.banner.status", { role: "status", hidden: true });
  #page = element("div.page", { hidden: true });
  #badge = element("span.badge", { "aria-hidden": "true", hidden: true });
  #launcher;
  #panel;
  #frame;
  #host = element("div", { id: "frontdesk-widget" });
  #root = this.#host.attachShadow({ mode: "open" });
  #unread = 0;
  #unsaid;
  #asked; // the form that stands in the place of the conversation
  #isDeserted = false;
  #isTyping;
  #isBegun;
  #bannerLater;

  constructor(settings, locale) {
    Object.assign(this, { settings, locale });
    this.memory = new Memory(settings.storageKey, () => this.#changedElsewhere());
    this.#build();
    this.#thread = new Thread({
      list: this.#log.list,
      locale,
      pick: ({ title, payload, survey }) => (survey ? this.rate() : this.say((chat) => chat.say(payload, title))),
      retry: (key) => this.chat.retry(key),
      files: (act, ...args) => this.#withFiles(act, args),
    });
    this.chat = new Chat({
      settings, locale, memory: this.memory, thread: this.#thread,
      on: {
        state: (state) => this.#showState(state),
        standing: (standing) => this.#showStanding(standing),
        ready: () => this.#isReady(),
        typing: (isOn) => {
          this.#isTyping = isOn;
          this.#log.type(isOn);
          this.#showSubtitle();
        },
        message: (message) => this.#arrived(message),
      },
    });
    this.#applyLocale();
    dark.addEventListener("change", () => this.#applyTheme());
    this.#applyTheme();
    document.body.append(this.#host);
    if (settings.user) this.setUser(settings.user.id, settings.user);
    /* After a reload the panel is as it was, but the focus stays where the page wants it. */
    if (this.memory.get().open) this.#show();
  }

  /* Called when the page has had its say. A signed-in customer's page says who she is a moment later. */
  begin() {
    const { id, user } = this.memory.get();
    const { customer, isSigned } = this.chat;
    this.#isBegun = true;
    if (user && !customer) setTimeout(() => this.chat.start(), SIGN_IN_WITHIN_MS);
    else if (id || isSigned || this.isOpen()) this.chat.start();
  }

  isOpen() {
    return this.#panel.open;
  }

  open() {
    if (!this.isOpen()) this.#show(true);
  }

  close() {
    if (!this.isOpen()) return;
    this.#panel.close();
    this.#frame.classList.remove("open");
    this.memory.set({ open: false });
    this.#labelLauncher();
    this.#launcher.focus();
  }

  toggle() {
    if (this.isOpen()) this.close();
    else this.open();
  }

  send(text) {
    this.open();
    this.#unsaid = String(text ?? "").trim().slice(0, MAX_CHARACTERS);
    if (!this.#asksFirst) this.answered(this.memory.get().answers);
  }

  async setLocale(tag) {
    this.locale = this.chat.locale = await loadLocale(String(tag));
    this.#applyLocale();
    this.#thread.setLocale(this.locale);
    if (this.#asked) await this.#turn(this.#asked);
  }

  setUser(id, { name, email, identifier_hash } = {}) {
    this.chat.identify({ id: String(id), name, email, identifier_hash });
    if (this.#isBegun && identifier_hash) this.chat.start();
    if (this.#asked === "preChat") this.answered({});
  }

  reset() {
    this.turnTo();
    this.#setUnread(0);
    this.#log.announce(false);
    this.chat.reset();
    this.#showIntro();
  }

  #build() {
    const translate = (key, node, attribute) => {
      this.#translated.push([key, node, attribute]);
      return node;
    };
    this.#log = new Log(translate);
    this.#composer = new Composer(this, translate);
    const closer = button("plain", { click: () => this.close() }, icon("close"));
    this.#panel = element("dialog.panel", {
      "aria-labelledby": "title",
      dragover: (event) => event.preventDefault(),
      drop: (event) => this.#received(event, event.dataTransfer),
      paste: (event) => this.#received(event, event.clipboardData),
    },
      element("div.head", {}, this.#mark,
        element("div.names", {}, this.#title, this.#subtitle), translate("close", closer, "aria-label")),
      this.#banner, this.#status, this.#page, this.#log.middle, this.#composer.node);
    this.#launcher = button("launcher", { click: () => this.toggle() });
    this.#frame = element("div", { keydown: (event) => this.#pressed(event) }, this.#panel, this.#launcher);
    this.#root.adoptedStyleSheets = styleSheets(this.settings.accent);
    this.#root.append(this.#frame);
    /* A phone's keyboard takes room from the window that only this one tells of. */
    const view = window.visualViewport;
    view?.addEventListener("resize", () => {
      this.#panel.style.height = phone.matches ? `${view.height}px` : "";
    });
  }

  #applyLocale() {
    const { texts, tag, language, direction } = this.locale;
    this.#frame.lang = language;
    this.#host.dir = direction;
    for (const [key, node, attribute] of this.#translated) {
      if (attribute) node.setAttribute(attribute, texts[key]);
      else node.textContent = texts[key];
    }
    this.#title.textContent = localised(this.settings.title, tag) || texts.title;
    this.#labelLauncher();
    this.#showIntro();
    this.#showStanding(this.standing);
  }

  #applyTheme() {
    const { theme } = this.settings;
    this.#host.dataset.theme = /^(light|dark)$/.test(theme) ? theme : dark.matches ? "dark" : "light";
  }

  /* The first thing anybody sees says that no person is writing. */
  #showIntro() {
    const { texts, tag } = this.locale;
    const isNew = this.#thread.isEmpty;
    const suggestions = (isNew && localised(this.settings.suggestions, tag)) || [];
    const buttons = suggestions.map(({ title, payload }) =>
      button("choice", { dir: "auto", click: () => this.say((chat) => chat.say(payload || title, title)) }, title));
    this.#log.intro.replaceChildren(
      element("span.label", {}, icon("spark"), texts.subtitle),
      element("p.greeting", { dir: "auto" }, localised(this.settings.greeting, tag) || texts.greeting),
      element("div.choices", {}, ...buttons),
    );
    this.#composer.rating.hidden = isNew;
  }

  #labelLauncher() {
    const { texts } = this.locale;
    const isOpen = this.isOpen();
    const count = this.#unread ? `, ${texts.unread(this.#unread)}` : "";
    this.#launcher.setAttribute("aria-label", isOpen ? texts.close : texts.open + count);
    this.#launcher.setAttribute("aria-expanded", isOpen);
    this.#launcher.replaceChildren(icon(isOpen ? "down" : "chat"), this.#badge);
  }

  #show(withFocus) {
    /* On a phone the panel covers the page: nobody should land behind it. */
    if (withFocus && phone.matches) this.#panel.showModal();
    else this.#panel.open = true;
    this.#frame.classList.add("open");
    this.memory.set({ open: true });
    if (this.#isBegun) this.chat.start();
    this.#read();
    this.#labelLauncher();
    this.#log.toEnd();
    if (this.#asksFirst && !this.#asked) this.#turn("preChat");
    if (withFocus) this.#focus();
  }

  #focus() {
    (this.#page.querySelector("input, textarea, select") || this.#composer.draft).focus();
  }

  #pressed(event) {
    if (event.key === "Escape" && this.isOpen()) {
      event.stopPropagation();
      event.preventDefault();
      this.close();
    } else if (event.key === "Enter" && event.target === this.#composer.draft && !event.shiftKey) {
      /* While an input method is composing, Enter belongs to it. */
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#composer.submit();
    }
  }

  askForPerson() {
    if (this.standing.opens_at || this.#isDeserted) this.#turn("leave", true);
    else this.say((chat) => chat.say(this.settings.humanPayload, this.locale.texts.human));
  }

  rate() {
    this.#turn("survey", true);
  }

  /* Let the chat say something. The button that was chosen may go away; the focus must not go with it. */
  say(it) {
    const chosen = this.#root.activeElement;
    it(this.chat);
    this.#showIntro();
    this.#log.toEnd();
    if (chosen && !chosen.getClientRects().length) this.#log.node.focus({ preventScroll: true });
  }

  #received(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    this.#composer.attach(files);
  }

  async #withFiles(act, [file, tile]) {
    try {
      await (await import("./files.js"))[act](this.chat, file, tile);
      this.#log.grown();
    } catch {
      /* A picture that cannot be shown stays a file; one that cannot be saved says so. */
      if (act === "save") this.#composer.complain(this.locale.texts.error);
    }
  }

  get #asksFirst() {
    return this.settings.preChat.length && !this.memory.get().answers && !this.chat.customer;
  }

  /* What was to be said before the questions were answered is said now. */
  answered(answers) {
    this.memory.set({ answers });
    this.turnTo();
    const text = this.#unsaid;
    this.#unsaid = "";
    if (text) this.say((chat) => chat.say(text));
  }

  async #turn(name, withFocus) {
    try {
      const forms = await import("./forms.js");
      this.turnTo(forms[name](this), name);
      if (withFocus) this.#focus();
    } catch {
      this.#composer.complain(this.locale.texts.error);
    }
  }

  /* Put a form in the place of the conversation; without one the conversation is back. */
  turnTo(form, name) {
    const isHere = this.#panel.contains(this.#root.activeElement);
    this.#asked = name;
    this.#page.replaceChildren(form || "");
    this.#page.hidden = !form;
    this.#log.middle.hidden = this.#composer.node.hidden = !!form;
    if (isHere) this.#focus();
  }

  #arrived({ from, sequence = Infinity, isNew }) {
    const { read } = this.memory.get();
    const isTheirs = from !== "customer";
    this.#showIntro();
    if (this.isOpen()) this.#read();
    else if (isTheirs && (isNew || (read !== null && sequence > read))) this.#setUnread(this.#unread + 1);
    if (isNew) this.#log.grown(isTheirs);
    else this.#log.toEnd();
  }

  #isReady() {
    this.#log.announce(true);
    this.#composer.allow(this.chat.limits);
    /* In a browser that is new to a conversation, its past is no news. */
    if (this.memory.get().read === null) this.#read();
  }

  #read() {
    this.#setUnread(0);
    if (this.chat.sequence > this.memory.get().read) this.memory.set({ read: this.chat.sequence });
  }

  #changedElsewhere() {
    this.chat.follow();
    if (this.memory.get().read >= this.chat.sequence) this.#setUnread(0);
  }

  #setUnread(count) {
    this.#unread = count;
    this.#badge.hidden = !count;
    this.#badge.textContent = count > 99 ? "99+" : count;
    this.#labelLauncher();
  }

  #showSubtitle() {
    const { texts } = this.locale;
    this.#subtitle.textContent = this.#isTyping ? texts.typing : this.standing.agent || texts.subtitle;
  }

  /* Who answers: the assistant, nobody yet, a person. Where nobody can, a message can be left. */
  #showStanding(standing) {
    const { agent, position, answerer, has_assistant } = standing;
    this.standing = standing;
    this.#mark.replaceChildren(icon(agent ? "person" : "spark"));
    this.#composer.human.hidden = !!agent;
    this.#status.textContent = position ? this.locale.texts.queue(position) : "";
    this.#status.hidden = !position;
    this.#showSubtitle();
    const isDeserted = !has_assistant && answerer === "assistant";
    if (isDeserted === this.#isDeserted) return;
    this.#isDeserted = isDeserted;
    if (isDeserted) this.#turn("leave");
    else if (this.#asked === "leave") this.turnTo();
  }

  /* A blink of the line is nobody's business; a loss is said and taken back. */
  #showState(state) {
    clearTimeout(this.#bannerLater);
    if (state === "ready") {
      this.#banner.hidden = true;
      return;
    }
    this.#bannerLater = setTimeout(() => {
      const { offline, connecting } = this.locale.texts;
      this.#banner.textContent = this.chat.connection.failures ? offline : connecting;
      this.#banner.hidden = false;
    }, this.#banner.hidden ? BANNER_AFTER_MS : 0);
  }
}
