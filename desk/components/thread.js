// One conversation: what to do with it, the handoff card, what was said, and the place to write.
export default {
  template: `
    <section class="thread" :aria-label="'Conversation with ' + open.name">
      <header class="thread-head">
        <div>
          <h2>{{ open.name }}</h2>
          <p class="soft">{{ standing }}<span v-if="others.length"> · {{ others.join(", ") }} {{ others.length > 1 ? "are" : "is" }} looking</span></p>
        </div>
        <div class="acts">
          <button v-if="canClaim" type="button" class="main" @click="$emit('act', {name: 'claim'})">
            {{ open.owner === "bot" ? "Take over" : "Claim" }}</button>
          <template v-if="open.is_mine">
            <button type="button" class="main" @click="$emit('act', {name: 'resolve'})">Resolve…</button>
            <button type="button" @click="$emit('act', {name: 'give_back'})">Back to the bot</button>
            <button type="button" @click="$emit('act', {name: open.snoozed_until_at ? 'wake' : 'snooze'})">
              {{ open.snoozed_until_at ? "Wake" : "Snooze…" }}</button>
            <button type="button" @click="$emit('act', {name: 'release'})">Back to the queue</button>
          </template>
          <button v-if="open.is_mine || mayAssign && open.owner !== 'bot'" type="button"
                  @click="$emit('act', {name: 'assign'})">Assign…</button>
        </div>
      </header>
      <div class="said" role="log" aria-live="polite" tabindex="0" aria-label="Messages" ref="said">
        <section v-if="open.card" class="card" aria-label="Handoff">
          <p class="card-top">
            <strong>{{ reasons[open.card.reason] || open.card.reason }}</strong>
            <span class="chip" :class="open.card.severity">{{ open.card.severity }}</span>
            <span class="chip" :class="{bad: open.card.sentiment === 'negative'}">{{ open.card.sentiment }}</span>
            <span v-if="open.card.topic !== 'other'" class="chip">{{ open.card.topic }}</span>
          </p>
          <p v-if="open.card.wanted"><b>Wants</b> {{ open.card.wanted }}</p>
          <p v-if="open.card.tried.length"><b>Tried</b> The assistant {{ open.card.tried.join("; ") }}.</p>
          <ol v-if="open.card.sentences.length" class="sentences">
            <li v-for="[text, sources] in open.card.sentences">{{ text }}
              <button v-for="(source, at) in links(sources)" type="button" class="source" @click="show(source)">
                message {{ at + 1 }}</button>
            </li>
          </ol>
          <p v-if="open.card.open_questions.length"><b>Open</b> {{ open.card.open_questions.join(" ") }}</p>
          <dl v-if="slots.length" class="slots">
            <div v-for="[name, value] in slots"><dt>{{ name.replaceAll("_", " ") }}</dt><dd>{{ value }}</dd></div>
          </dl>
        </section>
        <template v-for="line in open.lines" :key="line.id">
          <p v-if="line.kind === 'mark'" class="mark">{{ line.text }} · {{ time(line.at) }}</p>
          <article v-else class="line" :class="[line.kind, {found: line.message_id && line.message_id === found}]"
                   :data-message="line.message_id">
            <p class="line-top">{{ who(line) }} <time :datetime="line.at">{{ time(line.at) }}</time>
              <span v-if="line.sentiment === 'negative'" class="chip bad">upset</span>
              <span v-if="line.delivery && line.delivery !== 'done'" class="chip" :class="{bad: line.delivery === 'dead'}">{{ deliveries[line.delivery] || line.delivery }}</span>
            </p>
            <p v-if="line.text" class="words" dir="auto">{{ line.text }}</p>
            <p v-if="buttonsOf(line)" class="soft small">Offered: {{ buttonsOf(line) }}</p>
            <p v-if="line.intent" class="soft small">{{ line.intent }}</p>
          </article>
        </template>
      </div>
      <form class="composer" @submit.prevent="send">
        <div class="modes" role="group" aria-label="What to write">
          <button type="button" :aria-pressed="!isNote ? 'true' : 'false'" :disabled="!open.is_mine" @click="isNote = false">Reply</button>
          <button type="button" :aria-pressed="isNote ? 'true' : 'false'" @click="isNote = true">Private note</button>
        </div>
        <ul v-if="choices.length" class="choices" role="listbox" aria-label="Canned replies" id="choices">
          <li v-for="(choice, at) in choices" role="option" :id="'choice-' + at" :aria-selected="at === chosen ? 'true' : 'false'"
              @mousedown.prevent="take(choice)"><b>/{{ choice.shortcut }}</b> {{ choice.text }}</li>
        </ul>
        <label><span class="unseen">{{ isNote ? "Private note" : "Reply" }}</span>
          <textarea ref="text" :class="{note: isNote}" rows="3" dir="auto" :value="text" :disabled="!isNote && !open.is_mine"
            :placeholder="placeholder" @input="typed($event.target.value)" @keydown="key"
            :aria-controls="choices.length ? 'choices' : null" :aria-activedescendant="choices.length ? 'choice-' + chosen : null"></textarea>
        </label>
        <div class="composer-foot">
          <span class="soft small" role="status">{{ hint }}</span>
          <button class="main" :disabled="!text.trim() || (!isNote && !open.is_mine)">{{ isNote ? "Keep note" : "Send" }}</button>
        </div>
      </form>
    </section>`,
  props: {
    open: Object,
    others: { type: Array, default: () => [] },
    choices: { type: Array, default: () => [] },
    mayAssign: Boolean,
  },
  data() {
    return {
      isNote: !this.open.is_mine,
      text: this.open.is_mine ? this.open.draft : this.open.note_draft,
      drafts: { reply: this.open.draft, note: this.open.note_draft },
      key_: crypto.randomUUID?.() || String(Math.random()),
      chosen: 0,
      found: null,
      missing: [],
      reasons: {
        asked: "The customer asked for a person",
        offered: "The customer accepted a person",
        "accepted after a complaint": "A person was accepted after a complaint",
        complaint: "A complaint",
        "taken over": "Taken over by a person",
      },
      deliveries: { queued: "on its way", running: "on its way", retrying: "trying again", dead: "not delivered" },
    };
  },
  computed: {
    canClaim() {
      return !this.open.is_mine && this.open.owner !== "agent";
    },
    standing() {
      if (this.open.is_mine) return "You answer";
      if (this.open.owner === "agent") return `${this.open.agent} answers`;
      return this.open.owner === "queue" ? "Waits for a person" : "The bot answers";
    },
    slots() {
      return Object.entries(this.open.card?.slots || {}).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
    },
    placeholder() {
      if (this.isNote) return "Only colleagues see this";
      return this.open.is_mine ? "Write a reply, or / for a canned one" : "Claim the conversation to reply";
    },
    hint() {
      if (this.missing.length) return `Nobody knows ${this.missing.join(", ")}: fill in before you send.`;
      return this.text.length > 3600 ? `${this.text.length} of 4,000 characters` : "Ctrl+Enter sends";
    },
  },
  watch: {
    "open.id"() {
      this.drafts = { reply: this.open.draft, note: this.open.note_draft };
      this.isNote = !this.open.is_mine;
      this.text = this.drafts[this.mode()];
      this.key_ = crypto.randomUUID?.() || String(Math.random());
      this.found = null;
      this.$nextTick(this.toEnd);
    },
    "open.is_mine"(isMine) {
      if (isMine) this.isNote = false;
    },
    isNote(_, was) {
      this.drafts[was ? "note" : "reply"] = this.text;
      this.text = this.drafts[this.mode()];
      this.$emit("typed", { text: "", slash: null, isNote: this.isNote, quiet: true });
    },
    "open.last_sequence"() {
      const said = this.$refs.said;
      if (said.scrollHeight - said.scrollTop - said.clientHeight < 120) this.$nextTick(this.toEnd);
    },
  },
  mounted() {
    this.toEnd();
  },
  methods: {
    mode() {
      return this.isNote ? "note" : "reply";
    },
    toEnd() {
      const said = this.$refs.said;
      if (said) said.scrollTop = said.scrollHeight;
    },
    links(sources) {
      return sources.filter((source) => !source.startsWith("slot:"));
    },
    show(source) {
      this.found = source;
      const line = [...this.$refs.said.querySelectorAll("[data-message]")].find((one) => one.dataset.message === source);
      line?.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    },
    time(at) {
      const moment = new Date(at);
      const isToday = moment.toDateString() === new Date().toDateString();
      return moment.toLocaleString([], isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
    },
    who(line) {
      return { customer: this.open.name, assistant: "Assistant", agent: line.by || "Agent", note: `${line.by} (private note)` }[line.kind];
    },
    buttonsOf(line) {
      return (line.data?.buttons || line.data?.quick_replies || []).map((button) => button.title).join(" · ");
    },
    typed(text) {
      this.text = text;
      this.missing = [];
      this.chosen = 0;
      const slash = /^\/(\S*)$/.exec(text);
      clearTimeout(this.typing);
      this.typing = setTimeout(
        () => this.$emit("typed", { text, slash: slash && !this.isNote ? slash[1] : null, isNote: this.isNote }),
        slash ? 50 : 600,
      );
    },
    take(choice) {
      this.text = choice.filled;
      this.missing = choice.missing;
      this.$emit("typed", { text: this.text, slash: null, isNote: false });
      this.$refs.text.focus();
    },
    key(event) {
      const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
      if (this.choices.length && !sends) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
          event.preventDefault();
          this.chosen = (this.chosen + step + this.choices.length) % this.choices.length;
          return;
        }
        if (event.key === "Enter" || event.key === "Tab") {
          event.preventDefault();
          this.take(this.choices[this.chosen]);
          return;
        }
      }
      if (sends) {
        event.preventDefault();
        this.send();
      }
    },
    send() {
      if (!this.text.trim() || this.missing.length || (!this.isNote && !this.open.is_mine)) return;
      clearTimeout(this.typing);
      this.$emit("send", { text: this.text, isNote: this.isNote, key: this.key_ });
    },
    sent() {
      this.text = "";
      this.drafts[this.mode()] = "";
      this.key_ = crypto.randomUUID?.() || String(Math.random());
      this.$nextTick(this.toEnd);
      this.$refs.text.focus();
    },
  },
};
