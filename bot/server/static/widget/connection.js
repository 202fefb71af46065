/* One line to the server that comes back by itself. States: "connecting", "ready", "offline". */

const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
const LONGEST_WAIT_MS = 15_000;

export class Connection {
  #url;
  #on;
  #socket = null;
  #isWanted = false;
  #again;
  #deadline;
  #pinging;

  /* `on.hello()` says who calls, `on.frame` hears what comes, `on.state` how the line is. */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
    this.state = "offline";
    this.failures = 0;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.#drop());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  start() {
    this.#isWanted = true;
    if (!this.#socket) this.#connect();
  }

  /* Hang up and call again, with a new hello. */
  restart() {
    this.failures = 0;
    this.#drop();
    if (this.#isWanted) this.#connect();
  }

  send(frame) {
    const isReady = this.state === "ready";
    if (isReady) this.#socket.send(JSON.stringify(frame));
    return isReady;
  }

  /* Somebody waits: call at once, and often again if that fails. */
  hurry() {
    if (!this.#isWanted) return;
    this.failures = Math.min(this.failures, 1);
    if (this.#socket) this.#ping();
    else this.#connect();
  }

  #connect() {
    clearTimeout(this.#again);
    this.#enter("connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.#on.hello()));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#heard(JSON.parse(data));
    socket.onclose = () => socket === this.#socket && this.#lost();
    this.#expectWord();
  }

  /* A server that accepts and then says nothing is as good as none. */
  #expectWord() {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#drop(), PONG_WITHIN_MS);
  }

  #heard(frame) {
    clearTimeout(this.#deadline);
    if (frame.type === "ready") {
      this.failures = 0;
      this.#enter("ready");
    }
    clearTimeout(this.#pinging);
    this.#pinging = setTimeout(() => this.#ping(), PING_EVERY_MS);
    this.#on.frame(frame);
  }

  #ping() {
    if (this.send({ type: "ping" })) this.#expectWord();
  }

  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    this.#lost();
    socket.close();
  }

  #lost() {
    this.#socket = null;
    clearTimeout(this.#deadline);
    clearTimeout(this.#pinging);
    this.#enter("offline");
    /* Spread out, so that a server that comes back is not met by everybody at once. */
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures) * (0.75 + Math.random() / 2);
    this.failures += 1;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#connect(), wait);
  }

  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.#on.state(state);
  }
}
