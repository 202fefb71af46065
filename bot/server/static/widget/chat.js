/*
 * Nothing lost, nothing doubled: a message stays in the memory until the server has stored it, and goes out
 * again under the same id with every new connection. What is stored carries a sequence; after a loss the
 * widget names the last one it has.
 */

import { Connection } from "./connection.js";
import { randomId } from "./memory.js";

const TYPING_AT_MOST_MS = 30_000;
const ACK_WITHIN_MS = 10_000;

export class Chat {
  constructor({ settings, memory, thread, locale, on }) {
    Object.assign(this, { memory, thread, on });
    this.locale = locale;
    this.customer = null;
    this.sequence = 0;
    this.notices = 0;
    this.connection = new Connection({
      url: settings.socketUrl,
      hello: () => ({
        type: "hello",
        conversation_id: this.memory.conversationId(),
        last_sequence: this.sequence,
      }),
      onFrame: (frame) => this.heard(frame),
      onState: (state) => {
        if (state === "offline") this.setTyping(false);
        this.on.state(state);
      },
    });
    this.showOutbox();
  }

  start() {
    this.connection.start();
  }

  say(text, title) {
    const message = { message_id: randomId(), text, title, timestamp: Date.now() / 1000 };
    this.memory.put(message);
    this.show(message);
    this.start();
    if (!this.post(message)) this.connection.hurry();
  }

  retry(messageId) {
    const message = this.memory.get().outbox.find((kept) => kept.message_id === messageId);
    if (!message) return;
    this.memory.change(messageId, { failed: undefined });
    this.show({ ...message, failed: undefined });
    if (!this.post(message)) this.connection.hurry();
  }

  reset() {
    this.memory.forget();
    this.thread.clear();
    this.sequence = 0;
    this.setTyping(false);
    this.connection.restart();
  }

  showOutbox() {
    for (const message of this.memory.get().outbox) this.show(message);
  }

  show(message) {
    const { message_id: key, text, title, timestamp, failed } = message;
    const state = failed ? "failed" : "sending";
    this.thread.put({ key, from: "customer", timestamp, messages: [{ text: title || text }], state, why: failed });
  }

  post({ message_id, text, title }) {
    const frame = { type: "message", message_id, text, title, locale: this.locale.tag };
    const isSent = this.connection.send(this.customer ? { ...frame, customer: this.customer } : frame);
    /* An open line on which nobody takes the message is no line. */
    if (isSent) {
      clearTimeout(this.unheard);
      this.unheard = setTimeout(() => this.connection.restart(), ACK_WITHIN_MS);
    }
    return isSent;
  }

  heard(frame) {
    const hear = {
      event: () => this.heardEvent(frame),
      ready: () => this.heardReady(frame),
      ack: () => this.heardAck(frame),
      typing: () => this.setTyping(frame.on),
      notice: () => this.heardNotice(frame),
      reset: () => this.heardReset(),
      error: () => this.heardError(frame),
    }[frame.type];
    if (hear) hear();
  }

  heardEvent({ sequence, from, timestamp, messages, message_id }) {
    if (sequence <= this.sequence) return;
    this.sequence = sequence;
    if (from === "customer") {
      /* A turn may be told twice within one conversation; the customer said it once. */
      const key = message_id || `s${sequence}`;
      const known = this.thread.get(key);
      if (!known || !known.sequence) {
        this.thread.put({ key, from, sequence, timestamp, messages, state: null });
      }
      this.memory.take(key);
    } else {
      this.dropNotices(messages);
      this.thread.put({ key: `s${sequence}`, from, sequence, timestamp, messages, state: null });
    }
    this.on.message({ from, sequence, isNew: this.isLive });
  }

  heardReady({ typing }) {
    this.isLive = true;
    this.setTyping(typing);
    for (const message of this.memory.get().outbox) if (!message.failed) this.post(message);
    this.on.ready();
  }

  heardAck({ message_id, state }) {
    clearTimeout(this.unheard);
    const item = this.thread.get(message_id);
    if (item) this.thread.put({ ...item, state: null });
    if (state === "stored") this.memory.take(message_id);
  }

  /* Said, but not stored: it stays until the stored one comes, if it does. */
  heardNotice({ from, messages }) {
    this.dropNotices(messages);
    this.notices += 1;
    this.thread.put({ key: `n${this.notices}`, from, timestamp: Date.now() / 1000, messages, state: null });
    this.on.message({ from, sequence: null, isNew: true });
  }

  dropNotices(messages) {
    const said = new Set(messages.map((message) => message.text));
    for (const item of this.thread.items()) {
      const isNotice = item.from !== "customer" && !item.sequence;
      if (isNotice && item.messages.some((message) => said.has(message.text))) this.thread.remove(item.key);
    }
  }

  /* The store has forgotten what we have seen: what it tells from here on is all there is. */
  heardReset() {
    this.sequence = 0;
    this.thread.clear();
    this.memory.set({ read: 0 });
    this.showOutbox();
  }

  heardError({ reason, message_id, retry_after_s }) {
    const message = this.memory.get().outbox.find((kept) => kept.message_id === message_id);
    if (!message) return;
    clearTimeout(this.unheard);
    if (reason === "RateLimited") {
      setTimeout(() => this.post(message), retry_after_s * 1000);
      return;
    }
    const failed = reason === "MessageTooLong" ? "tooLong" : "failed";
    this.memory.change(message_id, { failed });
    this.show({ ...message, failed });
  }

  setTyping(isOn) {
    clearTimeout(this.typingEnds);
    if (isOn) this.typingEnds = setTimeout(() => this.setTyping(false), TYPING_AT_MOST_MS);
    this.on.typing(isOn);
  }
}
