/*
 * What survives a reload: the conversation's id, the messages that the server has not stored yet, how far
 * the customer has read, and whether the panel is open. Every change reads first: other tabs write, too.
 */

export class Memory {
  constructor(key) {
    this.key = key;
    this.fallback = null;
  }

  get() {
    let stored = this.fallback;
    try {
      stored = JSON.parse(localStorage.getItem(this.key)) || stored;
    } catch {
      /* Storage is switched off, or holds something strange: this page's own memory has to do. */
    }
    const { id = null, outbox = [], read = 0, open = false } = stored || {};
    return { id, outbox: Array.isArray(outbox) ? outbox : [], read, open };
  }

  set(changes) {
    this.fallback = { ...this.get(), ...changes };
    try {
      localStorage.setItem(this.key, JSON.stringify(this.fallback));
    } catch {
      /* As above. */
    }
  }

  conversationId() {
    const { id } = this.get();
    if (id) return id;
    const fresh = randomId();
    this.set({ id: fresh });
    return fresh;
  }

  put(message) {
    const rest = this.get().outbox.filter((kept) => kept.message_id !== message.message_id);
    this.set({ outbox: [...rest, message] });
  }

  change(messageId, changes) {
    const outbox = this.get().outbox.map((kept) =>
      kept.message_id === messageId ? { ...kept, ...changes } : kept,
    );
    this.set({ outbox });
  }

  take(messageId) {
    const { outbox } = this.get();
    const rest = outbox.filter((kept) => kept.message_id !== messageId);
    if (rest.length !== outbox.length) this.set({ outbox: rest });
  }

  forget() {
    const { open } = this.get();
    this.fallback = null;
    this.set({ id: null, outbox: [], read: 0, open });
  }
}

/* 128 random bits: whoever knows the id can read the conversation, so nobody may guess it. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
