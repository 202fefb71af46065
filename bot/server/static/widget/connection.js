/* One line to the server that comes back by itself. States: "connecting", "ready", "offline". */

const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
const LONGEST_WAIT_MS = 15_000;

export class Connection {
  constructor({ url, hello, onFrame, onState }) {
    Object.assign(this, { url, hello, onFrame, onState });
    this.socket = null;
    this.state = "offline";
    this.failures = 0;
    this.wanted = false;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.drop());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.hurry();
    });
  }

  start() {
    this.wanted = true;
    if (!this.socket) this.connect();
  }

  /* Hang up and call again, with a new hello. */
  restart() {
    this.failures = 0;
    this.drop();
    if (this.wanted) this.connect();
  }

  stop() {
    this.wanted = false;
    this.drop();
  }

  send(frame) {
    if (this.state !== "ready") return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /* Somebody waits: call at once, and often again if that fails. */
  hurry() {
    if (!this.wanted) return;
    this.failures = Math.min(this.failures, 1);
    if (!this.socket) this.connect();
    else if (this.state === "ready") this.ping();
  }

  connect() {
    clearTimeout(this.again);
    this.enter("connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (message) => this.heard(socket, message.data);
    socket.onclose = () => {
      if (socket === this.socket) this.lost();
    };
    /* A server that accepts and then says nothing is as good as none. */
    this.deadline = setTimeout(() => this.drop(), PONG_WITHIN_MS);
  }

  heard(socket, data) {
    if (socket !== this.socket) return;
    clearTimeout(this.deadline);
    const frame = JSON.parse(data);
    if (frame.type === "ready") {
      this.failures = 0;
      this.enter("ready");
    }
    clearTimeout(this.pinging);
    this.pinging = setTimeout(() => this.ping(), PING_EVERY_MS);
    this.onFrame(frame);
  }

  ping() {
    if (!this.send({ type: "ping" })) return;
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.drop(), PONG_WITHIN_MS);
  }

  drop() {
    const socket = this.socket;
    if (!socket) return;
    this.lost();
    socket.close();
  }

  lost() {
    this.socket = null;
    clearTimeout(this.deadline);
    clearTimeout(this.pinging);
    this.enter("offline");
    if (!this.wanted) return;
    /* Spread out, so that a server that comes back is not met by everybody at once. */
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures) * (0.75 + Math.random() / 2);
    this.failures += 1;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.connect(), wait);
  }

  enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}
