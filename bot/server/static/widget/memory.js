/*
 * What survives a reload: the conversation's secret id, the customer who proved herself in it, the answers given
 * before the first message, the messages that the server has not stored yet, how far the customer has read, and
 * whether the panel is open. Every change reads first: other tabs write, too.
 */

const EMPTY = { id: null, user: null, answers: null, outbox: [], read: null, open: false };

export class Memory {
  #key;
  #fallback = {};

  constructor(key, changedElsewhere) {
    this.#key = key;
    addEventListener("storage", (event) => event.key === key && changedElsewhere());
  }

  get() {
    const known = { ...EMPTY, ...this.#fallback };
    try {
      return { ...known, ...JSON.parse(localStorage.getItem(this.#key)) };
    } catch {
      /* Storage is switched off, or holds something strange: this page's own memory has to do. */
      return known;
    }
  }

  set(changes) {
    this.#fallback = { ...this.get(), ...changes };
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#fallback));
    } catch {
      /* As above. */
    }
  }

  find(messageId) {
    return this.get().outbox.find((kept) => kept.message_id === messageId);
  }

  /* Keep a message, in the place of the one with its id; without a message let go of that one. */
  keep(messageId, message) {
    const rest = this.get().outbox.filter((kept) => kept.message_id !== messageId);
    if (message || this.find(messageId)) this.set({ outbox: message ? [...rest, message] : rest });
  }

  forget(outbox = []) {
    this.set({ ...EMPTY, outbox, open: this.get().open });
  }
}

/* 128 random bits: whoever knows the id can read the conversation, so nobody may guess it. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
