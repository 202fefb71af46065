/* The widget on the page: launcher, panel, composer, and the SDK's functions. */

import { Chat } from "./chat.js";
import { element, icon } from "./elements.js";
import { Locale } from "./locales.js";
import { Memory } from "./memory.js";
import { localised } from "./settings.js";
import { styleSheets } from "./style.js";
import { Thread } from "./thread.js";

const MAX_CHARACTERS = 10_000;
const COUNT_FROM = 9_000;
const NEAR_END_PX = 80;
const BANNER_AFTER_MS = 1_200;

export class Panel {
  constructor(settings) {
    this.settings = settings;
    this.locale = new Locale(settings.locale);
    this.memory = new Memory(settings.storageKey);
    this.unread = 0;
    this.build();
    this.thread = new Thread({
      list: this.list,
      locale: this.locale,
      pick: ({ title, payload }) => this.say(payload, title),
      retry: (key) => this.chat.retry(key),
    });
    this.chat = new Chat({
      settings,
      memory: this.memory,
      thread: this.thread,
      locale: this.locale,
      on: {
        state: (state) => this.showState(state),
        ready: () => this.log.setAttribute("aria-live", "polite"),
        typing: (isOn) => this.showTyping(isOn),
        message: (message) => this.arrived(message),
      },
    });
    this.applyLocale();
    this.applyTheme();
    document.body.append(this.host);
    const { id, open } = this.memory.get();
    if (id) this.chat.start();
    /* After a reload the panel is as it was, but the focus stays where the page wants it. */
    if (open) this.show(false);
  }

  isOpen() {
    return !this.panel.hidden;
  }

  open() {
    if (!this.isOpen()) this.show(true);
  }

  close() {
    if (!this.isOpen()) return;
    this.panel.hidden = true;
    this.frame.classList.remove("open");
    this.memory.set({ open: false });
    this.labelLauncher();
    this.launcher.focus();
  }

  toggle() {
    if (this.isOpen()) this.close();
    else this.open();
  }

  send(text) {
    this.open();
    if (typeof text === "string" && text.trim()) this.say(text.trim().slice(0, MAX_CHARACTERS));
  }

  setLocale(tag) {
    this.locale = new Locale(String(tag));
    this.chat.locale = this.locale;
    this.applyLocale();
    this.thread.setLocale(this.locale);
  }

  setUser(id, { name, email, identifier_hash } = {}) {
    this.chat.customer = { id: String(id), name, email, identifier_hash };
  }

  reset() {
    this.setUnread(0);
    this.log.setAttribute("aria-live", "off");
    this.chat.reset();
    this.showIntro();
  }

  build() {
    this.host = element("div", { id: "frontdesk-widget" });
    const root = this.host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styleSheets(this.settings.accent);
    this.badge = element("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.launcher = element("button", {
      type: "button", class: "launcher", "aria-expanded": "false", "aria-controls": "panel", click: () => this.toggle(),
    }, this.badge);
    this.frame = element("div", { keydown: (event) => this.pressed(event) }, this.buildPanel(), this.launcher);
    root.append(this.frame);
  }

  buildPanel() {
    this.panel = element("div", { id: "panel", class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      this.buildHead(), this.buildBanner(), this.buildLog(), this.buildFoot());
    return this.panel;
  }

  buildHead() {
    this.title = element("h2", { id: "title", class: "title" });
    this.subtitle = element("p", { class: "subtitle" });
    this.closer = element("button", { type: "button", class: "plain", click: () => this.close() }, icon("close"));
    return element("div", { class: "head" },
      element("span", { class: "mark" }, icon("spark")),
      element("div", { class: "names" }, this.title, this.subtitle),
      this.closer,
    );
  }

  buildBanner() {
    this.banner = element("p", { class: "banner", role: "status", hidden: true });
    return this.banner;
  }

  buildLog() {
    this.intro = element("div", { class: "intro" });
    this.list = element("div", {});
    this.dots = element("div", { class: "dots", "aria-hidden": "true", hidden: true },
      element("i"), element("i"), element("i"));
    this.log = element("div", {
      class: "log", role: "log", "aria-live": "off", tabindex: "0", scroll: () => this.scrolled(),
    }, this.intro, this.list, this.dots);
    this.newerText = element("span");
    this.newer = element("button", { type: "button", class: "newer", hidden: true, click: () => this.toEnd() },
      icon("down"), this.newerText);
    return element("div", { class: "middle" }, this.log, this.newer);
  }

  buildFoot() {
    this.humanText = element("span");
    this.human = element("button", { type: "button", class: "human", click: () => this.askForPerson() },
      icon("person"), this.humanText);
    this.draft = element("textarea", { class: "draft", rows: "1", maxlength: MAX_CHARACTERS, input: () => this.edited() });
    this.sender = element("button", { type: "button", class: "send", disabled: true, click: () => this.submit() }, icon("send"));
    this.counter = element("p", { class: "counter", role: "status", hidden: true });
    return element("div", { class: "foot" }, this.human,
      element("div", { class: "composer" }, this.draft, this.sender), this.counter);
  }

  applyLocale() {
    const { texts, tag, language, direction } = this.locale;
    this.frame.lang = language;
    this.host.dir = direction;
    this.title.textContent = localised(this.settings.title, tag) || texts.title;
    this.subtitle.textContent = texts.subtitle;
    this.humanText.textContent = texts.human;
    this.newerText.textContent = texts.newer;
    this.draft.placeholder = texts.write;
    this.draft.setAttribute("aria-label", texts.write);
    this.sender.setAttribute("aria-label", texts.send);
    this.closer.setAttribute("aria-label", texts.close);
    this.log.setAttribute("aria-label", texts.log);
    this.labelLauncher();
    this.showIntro();
  }

  applyTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const { theme } = this.settings;
      this.host.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    };
    dark.addEventListener("change", apply);
    apply();
  }

  /* The first thing anybody sees says that no person is writing. */
  showIntro() {
    const { texts, tag } = this.locale;
    const suggestions = this.thread && this.thread.rows.size ? [] : localised(this.settings.suggestions, tag) || [];
    const buttons = suggestions.map(({ title, payload }) =>
      element("button", { type: "button", class: "choice", click: () => this.say(payload || title, title) }, title));
    this.intro.replaceChildren(
      element("span", { class: "label" }, icon("spark"), texts.subtitle),
      element("p", { class: "greeting" }, localised(this.settings.greeting, tag) || texts.greeting),
      ...(buttons.length ? [element("div", { class: "choices" }, ...buttons)] : []),
    );
  }

  labelLauncher() {
    const { texts } = this.locale;
    const count = this.unread ? `, ${texts.unread(this.unread)}` : "";
    this.launcher.setAttribute("aria-label", this.isOpen() ? texts.close : texts.open + count);
    this.launcher.setAttribute("aria-expanded", String(this.isOpen()));
    this.launcher.replaceChildren(icon(this.isOpen() ? "down" : "chat"), this.badge);
  }

  show(withFocus) {
    this.panel.hidden = false;
    this.frame.classList.add("open");
    this.memory.set({ open: true });
    this.chat.start();
    this.read();
    this.labelLauncher();
    this.toEnd();
    if (withFocus) this.draft.focus();
  }

  pressed(event) {
    if (event.key === "Escape" && this.isOpen()) {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && event.target === this.draft && !event.shiftKey) {
      /* While an input method is composing, Enter belongs to it. */
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submit();
    }
  }

  submit() {
    const text = this.draft.value.trim();
    if (!text) return;
    this.draft.value = "";
    this.edited();
    this.say(text);
    this.draft.focus();
  }

  askForPerson() {
    this.say(this.settings.humanPayload, this.locale.texts.human);
  }

  say(text, title) {
    const chosen = this.host.shadowRoot.activeElement;
    this.chat.say(text, title);
    this.showIntro();
    this.toEnd();
    /* The chosen button goes away; the focus must not go with it. */
    if (chosen && !chosen.getClientRects().length) this.log.focus({ preventScroll: true });
  }

  edited() {
    this.draft.style.height = "auto";
    this.draft.style.height = `${this.draft.scrollHeight}px`;
    const { length } = this.draft.value;
    this.sender.disabled = !this.draft.value.trim();
    this.counter.hidden = length < COUNT_FROM;
    this.counter.textContent = length < COUNT_FROM ? "" : this.locale.texts.left(MAX_CHARACTERS - length);
  }

  arrived({ from, sequence, isNew }) {
    this.showIntro();
    const isUnread = from !== "customer" && (sequence === null || sequence > this.memory.get().read);
    if (this.isOpen()) this.read();
    else if (isUnread) this.setUnread(this.unread + 1);
    if (!isNew || this.isAtEnd) this.toEnd();
    else if (from !== "customer") this.newer.hidden = false;
  }

  read() {
    this.setUnread(0);
    if (this.chat.sequence > this.memory.get().read) this.memory.set({ read: this.chat.sequence });
  }

  setUnread(count) {
    this.unread = count;
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.labelLauncher();
  }

  showTyping(isOn) {
    this.dots.hidden = !isOn;
    this.subtitle.textContent = isOn ? this.locale.texts.typing : this.locale.texts.subtitle;
    if (this.isAtEnd) this.toEnd();
  }

  /* A blink of the line is nobody's business; a loss is said and taken back. */
  showState(state) {
    clearTimeout(this.bannerLater);
    if (state === "ready") {
      this.banner.hidden = true;
      return;
    }
    this.bannerLater = setTimeout(() => {
      this.banner.textContent = this.chat.connection.failures ? this.locale.texts.offline : this.locale.texts.connecting;
      this.banner.hidden = false;
    }, this.banner.hidden ? BANNER_AFTER_MS : 0);
  }

  get isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX || this.wasAtEnd;
  }

  scrolled() {
    this.wasAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
    if (this.wasAtEnd) this.newer.hidden = true;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.newer.hidden = true;
    this.wasAtEnd = true;
  }
}
