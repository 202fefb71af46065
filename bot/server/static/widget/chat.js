/*
 * Nothing lost, nothing doubled: a message stays in the memory until the server has stored it, and goes out
 * again under the same id with every new connection. What is stored carries a sequence; after a loss the
 * widget names the last one it has.
 */

import { Connection } from "./connection.js";
import { randomId } from "./memory.js";

const TYPING_AT_MOST_MS = 30_000;
const TYPING_WITHIN_MS = 600;
const ACK_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 15_000;

export class Chat {
  sequence = 0;
  limits = {};
  blobs = new Map(); // files that this page has sent, by their id: they need not be fetched
  #memory;
  #thread;
  #on;
  #requests = new Map();
  #uploads = new Map();
  #known;
  #notices = 0;
  #isLive;
  #isWithPerson;
  #unheard;
  #typing;

  constructor({ settings, memory, thread, locale, on }) {
    Object.assign(this, { settings, locale });
    this.#memory = memory;
    this.#thread = thread;
    this.#on = on;
    this.connection = new Connection(settings.socketUrl, {
      hello: () => ({ type: "hello", last_sequence: this.sequence, ...this.visitor() }),
      frame: (frame) => this[`on_${frame.type}`]?.(frame),
      state: (state) => {
        if (state === "offline") this.#setTyping(false);
        on.state(state);
      },
    });
    this.#showOutbox();
  }

  start() {
    this.connection.start();
  }

  /* Who this browser is, to the socket and to the files. */
  visitor() {
    if (!this.#memory.get().id) this.#memory.set({ id: randomId() });
    this.#known = this.#memory.get().id;
    return { conversation_id: this.#known, customer: this.customer };
  }

  get isSigned() {
    return Boolean(this.customer?.identifier_hash);
  }

  /* A signed customer has a conversation of her own; what somebody else began here is not hers. */
  identify(customer) {
    if (JSON.stringify(customer) === JSON.stringify(this.customer)) return;
    this.customer = customer;
    const { user } = this.#memory.get();
    if (user && user !== customer.id) this.#memory.forget();
    if (this.isSigned) this.#memory.set({ user: customer.id });
    this.#restart();
  }

  reset() {
    this.customer = undefined;
    this.#memory.forget();
    this.#restart();
  }

  /* Another tab may have begun another conversation. */
  follow() {
    if (this.#known && this.#memory.get().id !== this.#known) this.#restart();
  }

  say(text, title) {
    this.#submit({ message_id: randomId(), text, title, timestamp: Date.now() / 1000 });
  }

  /* Upload a file, then say that it is there. The file itself does not survive a reload, its message does. */
  async sendFile(file, message = { message_id: randomId(), text: "", timestamp: Date.now() / 1000 }) {
    const { name, type, size } = file;
    const show = (more) => this.#show({ ...message, files: [{ name, type, size, local: file }] }, more);
    this.#uploads.set(message.message_id, [file, message]);
    show();
    this.start();
    try {
      const { upload } = await import("./files.js");
      const stored = await upload(this, file, message.message_id, (progress) => show({ progress }));
      this.blobs.set(stored.id, file);
      this.#submit({ ...message, files: [stored] });
    } catch (reason) {
      show({ state: "failed", why: reason === "WrongFileType" ? "kind" : "failed" });
    }
  }

  retry(messageId) {
    const message = this.#memory.find(messageId);
    if (message) this.#submit({ ...message, failed: undefined });
    else this.sendFile(...this.#uploads.get(messageId));
  }

  /* Ask for something that is no message, and wait until it is stored; the same id does it once. */
  request(frame) {
    const asked = { message_id: randomId(), locale: this.locale.tag, ...frame };
    return new Promise((resolve, reject) => {
      this.#requests.set(asked.message_id, { asked, resolve, reject });
      setTimeout(reject, REQUEST_WITHIN_MS);
      this.start();
      this.connection.send(asked);
    }).finally(() => this.#requests.delete(asked.message_id));
  }

  /* Begin again with what the server tells. */
  #restart() {
    this.#empty();
    this.connection.restart();
  }

  #empty() {
    this.sequence = 0;
    this.#isLive = false;
    this.#setTyping(false);
    this.#thread.clear();
    this.#showOutbox();
  }

  #showOutbox() {
    for (const message of this.#memory.get().outbox) this.#show(message);
  }

  #submit(given) {
    const { answers } = this.#memory.get();
    const user = this.isSigned ? this.customer.id : undefined;
    const message = { ...given, user, pre_chat: this.sequence ? undefined : answers };
    this.#memory.set({ answers: answers || {} });
    this.#memory.keep(message.message_id, message);
    this.#show(message);
    this.start();
    if (!this.#post(message)) this.connection.hurry();
  }

  #show({ message_id, text, title, files = [], timestamp, failed }, more) {
    const words = title || text;
    this.#thread.put({
      key: message_id, from: "customer", timestamp, state: failed ? "failed" : "sending", why: failed,
      messages: [...(words ? [{ text: words }] : []), ...files.map((file) => ({ file }))], ...more,
    });
  }

  #post({ message_id, text, title, files, pre_chat }) {
    const attachments = files?.map((file) => file.id);
    const frame = { type: "message", message_id, text, title, attachments, pre_chat, locale: this.locale.tag };
    if (!this.connection.send(frame)) return false;
    /* An open line on which nobody takes the message is no line. */
    clearTimeout(this.#unheard);
    this.#unheard = setTimeout(() => this.connection.restart(), ACK_WITHIN_MS);
    if (!this.#isWithPerson) this.#later(TYPING_WITHIN_MS, true);
    return true;
  }

  on_event({ sequence, from, message_id, ...rest }) {
    if (sequence <= this.sequence) return;
    this.sequence = sequence;
    const isOwn = from === "customer";
    const key = (isOwn && message_id) || `s${sequence}`;
    if (!isOwn) this.#dropNotices(rest.messages);
    /* A turn may be told twice within one conversation; the customer said it once. */
    if (!this.#thread.get(key)?.sequence) this.#thread.put({ key, from, sequence, ...rest, state: null });
    this.#memory.keep(key);
    this.#on.message({ from, sequence, isNew: this.#isLive });
  }

  on_ready({ typing, files }) {
    this.#isLive = true;
    this.limits = files;
    this.#setTyping(typing);
    for (const message of this.#memory.get().outbox) if (!message.failed) this.#post(message);
    for (const { asked } of this.#requests.values()) this.connection.send(asked);
    this.#on.ready();
  }

  on_standing(standing) {
    this.#isWithPerson = standing.agent;
    this.#on.standing(standing);
  }

  on_typing({ on }) {
    this.#setTyping(on);
  }

  on_ack({ message_id, state, ticket }) {
    clearTimeout(this.#unheard);
    const item = this.#thread.get(message_id);
    if (item) this.#thread.put({ ...item, state: null });
    if (state !== "stored") return;
    this.#memory.keep(message_id);
    this.#requests.get(message_id)?.resolve(ticket);
  }

  /* Said, but not stored: it stays until the stored one comes, if it does. */
  on_notice({ from, messages }) {
    this.#dropNotices(messages);
    this.#notices += 1;
    this.#thread.put({ key: `n${this.#notices}`, from, timestamp: Date.now() / 1000, messages });
    this.#on.message({ from, isNew: true });
  }

  #dropNotices(messages) {
    const said = messages.map((message) => message.text);
    for (const { from, sequence, key, messages: noted } of this.#thread.items()) {
      const isNotice = from !== "customer" && !sequence;
      if (isNotice && noted.some((message) => said.includes(message.text))) this.#thread.remove(key);
    }
  }

  /* The store has forgotten what we have seen: what it tells from here on is all there is. */
  on_reset() {
    this.#memory.set({ read: null });
    this.#empty();
  }

  /* The conversation is a signed-in customer's, and nobody is signed in here: what she left unsaid stays so. */
  on_signed_out() {
    this.#memory.forget(this.#memory.get().outbox.filter((message) => !message.user));
    this.#restart();
  }

  on_error({ reason, message_id, retry_after_s }) {
    dispatchEvent(new CustomEvent("frontdesk:error", { detail: { reason } }));
    this.#requests.get(message_id)?.reject(reason);
    const message = this.#memory.find(message_id);
    if (!message) return;
    clearTimeout(this.#unheard);
    this.#setTyping(false);
    if (reason === "RateLimited") {
      setTimeout(() => this.#post(message), retry_after_s * 1000);
      return;
    }
    const failed = { ...message, failed: "failed" };
    this.#memory.keep(message_id, failed);
    this.#show(failed);
  }

  #setTyping(isOn) {
    this.#later(TYPING_AT_MOST_MS, false);
    this.#on.typing(isOn);
  }

  /* The dots begin even if the server is slow to say so, and end in any case. */
  #later(afterMs, isOn) {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#setTyping(isOn), afterMs);
  }
}
