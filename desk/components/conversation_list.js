// The list of conversations: folders, search, and one button a row. Times are told anew every few seconds.
const FOLDERS = [
  // What a screen reader hears before and after what is seen.
  ["mine", "", "Mine", ""],
  ["unassigned", "", "Unassigned", ""],
  ["all", "", "All", " with people"],
  ["snoozed", "", "Snoozed", ""],
  ["bot", "With the ", "bot", ""],
];

export default {
  template: `
    <section class="list" aria-label="Conversations">
      <div class="folders" role="group" aria-label="Folders">
        <button v-for="[id, before, label, after] in folders" :key="id" type="button" class="folder"
                :aria-pressed="id === folder ? 'true' : 'false'" @click="$emit('folder', id)">
          <span v-if="before" class="unseen">{{ before }}</span><span class="folder-name">{{ label }}</span
          ><span v-if="after" class="unseen">{{ after }}</span><span v-if="counts[id]" class="count">{{ counts[id] }}</span>
        </button>
      </div>
      <div class="search">
        <label><span class="unseen">Search by name, e-mail or id</span>
          <input type="search" placeholder="Search" :value="search" @input="type($event.target.value)"></label>
        <button type="button" class="icon" aria-label="Keys" title="Keys" @click="$emit('help')">
          <i class="q-icon notranslate material-icons" aria-hidden="true">keyboard</i></button>
      </div>
      <p v-if="!rows.length" class="empty" role="status">{{ emptyText }}</p>
      <ul v-else class="convs" ref="rows">
        <li v-for="row in rows" :key="row.id">
          <button type="button" class="conv" :data-id="row.id" :aria-current="row.id === selected ? 'true' : null"
                  @click="$emit('open', row.id)">
            <span class="conv-top">
              <bdi class="conv-name">{{ row.name }}</bdi>
              <span class="conv-time">{{ channels[row.channel] || row.channel }}<template v-if="row.language"> · {{ row.language }}</template> · {{ ago(row.last_activity_at) }}</span>
            </span>
            <span class="conv-text" dir="auto"><span v-if="!row.is_from_customer" class="conv-us">↩ </span>{{ row.preview }}</span>
            <span class="chips">
              <span v-if="loud(row.severity)" class="chip" :class="row.severity">{{ row.severity }}</span>
              <span v-if="row.sentiment === 'negative'" class="chip bad">upset</span>
              <span v-if="row.due_at" class="chip" :class="dueClass(row)">{{ due(row.due_at) }}</span>
              <span v-if="row.waiting_since_at" class="chip wait">waits {{ span(row.waiting_since_at) }}</span>
              <span v-if="row.agent && folder !== 'mine'" class="chip who">{{ row.agent }}</span>
            </span>
          </button>
        </li>
      </ul>
    </section>`,
  props: {
    rows: { type: Array, default: () => [] },
    counts: { type: Object, default: () => ({}) },
    folder: String,
    selected: Number,
    search: { type: String, default: "" },
    letterKeys: Boolean,
  },
  data() {
    return {
      folders: FOLDERS,
      channels: { web_widget: "Web", telegram: "Telegram", slack: "Slack", rest: "REST", socketio: "Web" },
      now: Date.now(),
    };
  },
  computed: {
    emptyText() {
      if (this.search) return "Nobody found.";
      if (this.folder === "mine") return "You have no conversations. Claim one from Unassigned.";
      if (this.folder === "unassigned") return "Nobody is waiting. Well done.";
      return "Nothing here.";
    },
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
    document.addEventListener("keydown", this.key);
  },
  beforeUpdate() {
    this.hadFocus = this.$el.contains(document.activeElement);
  },
  updated() {
    // The row that had the focus may be gone.
    if (!this.hadFocus || document.activeElement !== document.body) return;
    (this.$refs.rows?.querySelector("button") || this.$el.querySelector(".folder[aria-pressed=true]")).focus();
  },
  unmounted() {
    clearInterval(this.clock);
    document.removeEventListener("keydown", this.key);
  },
  methods: {
    type(text) {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.$emit("search", text), 250);
    },
    key(event) {
      if (!this.letterKeys) return;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      if (event.target.closest(".q-dialog")) return;
      if (event.key === "?") return this.$emit("help");
      // What is pressed before a conversation has come is meant for it, not for the one that is still there.
      if (window.deskOpening && /^[cersan]$/.test(event.key)) window.deskOpening.key = event.key;
      const step = { j: 1, k: -1 }[event.key];
      if (!step || !this.rows.length) return;
      const at = this.rows.findIndex((row) => row.id === this.selected);
      const next = this.rows[Math.min(this.rows.length - 1, Math.max(0, at + step))];
      if (next.id !== this.selected) window.deskOpening = { id: next.id };
      this.$emit("open", next.id);
      this.$nextTick(() => this.$refs.rows?.querySelector(`[data-id="${next.id}"]`)?.focus());
    },
    loud(severity) {
      return severity === "high" || severity === "critical";
    },
    minutes(from, to) {
      return Math.max(0, Math.round((to - from) / 60000));
    },
    words(minutes) {
      if (minutes < 1) return "now";
      if (minutes < 60) return `${minutes} min`;
      if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`;
      return `${Math.round(minutes / 1440)} d`;
    },
    ago(at) {
      return this.words(this.minutes(Date.parse(at), this.now));
    },
    span(at) {
      return this.words(this.minutes(Date.parse(at), this.now)).replace("now", "< 1 min");
    },
    due(at) {
      const left = Date.parse(at) - this.now;
      return left >= 0 ? `due in ${this.words(left / 60000 | 0)}` : `${this.words(-left / 60000 | 0)} late`;
    },
    dueClass(row) {
      if (Date.parse(row.due_at) < this.now) return "bad";
      return Date.parse(row.warn_at) < this.now ? "warn" : "";
    },
  },
};
