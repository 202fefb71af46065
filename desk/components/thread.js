// One conversation: what to do with it, the handoff card, what was said, and the place to write.
// What is begun is kept in the browser tab as well: a server that is away takes no drafts.
const newKey = () => crypto.randomUUID?.() || String(Math.random());
const WRITING = "frontdesk writing"; // where the cursor was, for a page that has to load again

export default {
  template: `
    <section class="thread" :aria-label="'Conversation with ' + open.name">
      <header class="thread-head">
        <button type="button" class="icon narrow-only" aria-label="Back to the list" @click="$emit('show', 'list')">
          <i class="q-icon notranslate material-icons" aria-hidden="true">arrow_back</i></button>
        <div class="thread-who">
          <h2><bdi>{{ open.name }}</bdi></h2>
          <p class="soft">{{ standing }}<span v-if="others.length"> · {{ others.join(", ") }} {{ others.length > 1 ? "are" : "is" }} looking</span></p>
        </div>
        <div class="acts">
          <button v-if="canClaim" type="button" class="main" @click="$emit('act', {name: 'claim'})">
            {{ open.owner === "bot" ? "Take over" : "Claim" }}</button>
          <template v-if="open.is_mine">
            <button type="button" class="main" @click="$emit('act', {name: 'resolve'})">Resolve…</button>
          </template>
          <div v-if="open.is_mine || mayPass" id="acts-more" class="acts-more" popover ref="more" @click="$refs.more.hidePopover()">
            <template v-if="open.is_mine">
              <button type="button" @click="$emit('act', {name: 'give_back'})">Back to the bot</button>
              <button type="button" @click="$emit('act', {name: open.snoozed_until_at ? 'wake' : 'snooze'})">
                {{ open.snoozed_until_at ? "Wake" : "Snooze…" }}</button>
              <button type="button" @click="$emit('act', {name: 'release'})">Back to the queue</button>
            </template>
            <button v-if="open.is_mine || mayPass" type="button" @click="$emit('act', {name: 'assign'})">Assign…</button>
          </div>
          <button type="button" class="icon narrow-only" aria-label="Customer" @click="$emit('show', 'customer')">
            <i class="q-icon notranslate material-icons" aria-hidden="true">person</i></button>
          <button v-if="open.is_mine || mayPass" type="button" class="icon phone-only" aria-label="More" popovertarget="acts-more">
            <i class="q-icon notranslate material-icons" aria-hidden="true">more_vert</i></button>
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
            <li v-for="[text, sources] in open.card.sentences"><span dir="auto">{{ text }}</span>
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
            <p class="line-top"><bdi>{{ who(line) }}</bdi> <time :datetime="line.at">{{ time(line.at) }}</time>
              <span v-if="line.intent" class="intent">{{ line.intent.replaceAll("_", " ") }}</span>
              <span v-if="line.sentiment === 'negative'" class="chip bad">upset</span>
              <span v-if="line.delivery && line.delivery !== 'done'" class="chip" :class="{bad: line.delivery === 'dead'}">{{ deliveries[line.delivery] || line.delivery }}</span>
            </p>
            <p v-if="line.text" class="words" dir="auto">{{ line.text }}</p>
            <ul v-if="line.files.length" class="files">
              <li v-for="file in line.files" :key="file.id">
                <a :href="address(file)" :download="file.is_picture ? null : file.name" target="_blank" rel="noreferrer">
                  <img v-if="file.is_picture" :src="address(file)" alt="" loading="lazy">
                  <span dir="auto">{{ file.name }}</span></a>
                <span class="soft small">{{ size(file.size_bytes) }}</span>
              </li>
            </ul>
            <p v-if="buttonsOf(line)" class="soft small">Offered: {{ buttonsOf(line) }}</p>
          </article>
        </template>
      </div>
      <form class="composer" ref="form" @submit.prevent="send">
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
            :placeholder="placeholder" @input="typed($event.target.value)" @keydown="key" @focus="writing(true)" @blur="writing(false)"
            :aria-controls="choices.length ? 'choices' : null" :aria-activedescendant="choices.length ? 'choice-' + chosen : null"></textarea>
        </label>
        <div class="composer-foot">
          <span class="soft small" :class="{'hint-keys': hint === keys}" role="status">{{ hint }}</span>
          <button class="main" :disabled="!text.trim() || (!isNote && !open.is_mine)">{{ isNote ? "Keep note" : "Send" }}</button>
        </div>
      </form>
    </section>`,
  props: {
    open: Object,
    others: { type: Array, default: () => [] },
    choices: { type: Array, default: () => [] },
    mayAssign: Boolean,
    letterKeys: Boolean,
  },
  data() {
    return {
      isNote: !this.open.is_mine,
      text: this.begun(this.open.is_mine ? "reply" : "note"),
      tried: null, // what was sent and not acknowledged yet, with its key: the same words go out under the same key
      chosen: 0,
      found: null,
      missing: [],
      keys: "Ctrl+Enter sends",
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
    mayPass() {
      return this.mayAssign && this.open.owner !== "bot";
    },
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
      return this.text.length > 3600 ? `${this.text.length} of 4,000 characters` : this.keys;
    },
  },
  watch: {
    "open.id"() {
      this.hand();
      this.isNote = !this.open.is_mine;
      this.take_up();
      this.found = null;
      this.arrived();
      this.$nextTick(this.toEnd);
    },
    "open.is_mine"(isMine) {
      if (isMine) this.isNote = false;
    },
    isNote() {
      this.hand();
      this.take_up();
    },
    "open.last_sequence"() {
      const said = this.$refs.said;
      if (said.scrollHeight - said.scrollTop - said.clientHeight < 120) this.$nextTick(this.toEnd);
    },
  },
  mounted() {
    this.take_up();
    this.toEnd();
    if (sessionStorage.getItem(WRITING) === this.place()) {
      this.$refs.text.focus();
      this.$refs.text.setSelectionRange(this.text.length, this.text.length);
    }
    document.addEventListener("keydown", this.shortcut);
    this.arrived();
  },
  unmounted() {
    document.removeEventListener("keydown", this.shortcut);
  },
  beforeUpdate() {
    this.hadFocus = this.$el.contains(document.activeElement);
  },
  updated() {
    if (this.hadFocus) this.settle();
  },
  methods: {
    // A button that was pressed may be gone: the focus goes to where the work goes on. Keys pressed among the messages
    // lead back there, where the next key works.
    settle() {
      if (document.activeElement !== document.body && document.activeElement) return;
      const isReading = this.isReading || !this.open.is_mine;
      (isReading ? this.$refs.said : this.$refs.text).focus({ preventScroll: true });
    },
    mode() {
      return this.isNote ? "note" : "reply";
    },
    place(mode = this.mode(), id = this.open.id) {
      return `frontdesk draft ${this.open.slots.agent} ${id} ${mode}`;
    },
    kept(mode) {
      return JSON.parse(sessionStorage.getItem(this.place(mode)) || "null");
    },
    begun(mode) {
      return this.kept(mode)?.text ?? (mode === "note" ? this.open.note_draft : this.open.draft);
    },
    take_up() {
      this.text = this.begun(this.mode());
      this.tried = this.kept(this.mode())?.tried || null;
      this.missing = [];
      this.$emit("typed", { id: this.open.id, text: "", slash: null, isNote: this.isNote, quiet: true });
    },
    keep() {
      sessionStorage.setItem(this.place(), JSON.stringify({ text: this.text, tried: this.tried }));
    },
    writing(isWriting) {
      if (isWriting) sessionStorage.setItem(WRITING, this.place());
      else sessionStorage.removeItem(WRITING);
    },
    // Give what was typed to the server, now instead of when the typing pauses.
    hand() {
      clearTimeout(this.typing);
      if (this.unsaid) this.$emit("typed", this.unsaid);
      this.unsaid = null;
    },
    shortcut(event) {
      if (!this.letterKeys) return;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      if (event.target.closest(".q-dialog") || window.deskOpening) return;
      this.isReading = event.target === this.$refs.said;
      if (this.press(event.key)) event.preventDefault();
    },
    press(key) {
      const { is_mine: isMine, snoozed_until_at: isAside } = this.open;
      const act = {
        c: this.canClaim && "claim",
        e: isMine && "resolve",
        s: isMine && (isAside ? "wake" : "snooze"),
        a: (isMine || this.mayPass) && "assign",
      }[key];
      if (act) this.$emit("act", { name: act });
      else if (key === "n" || (key === "r" && isMine)) this.write(key === "n");
      else return false;
      return true;
    },
    // The conversation that was asked for has come, and what was pressed meanwhile is done.
    arrived() {
      const { id, key } = window.deskOpening || {};
      window.deskOpening = null;
      if (id === this.open.id && key) this.press(key);
    },
    write(isNote) {
      this.isNote = isNote;
      this.$nextTick(() => this.$refs.text.focus());
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
    address(file) {
      return `/desk/files/${this.open.id}/${file.id}`;
    },
    size(bytes) {
      return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
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
      this.unsaid = { id: this.open.id, text, slash: slash && !this.isNote ? slash[1] : null, isNote: this.isNote };
      this.typing = setTimeout(this.hand, slash ? 50 : 600);
      this.keep();
    },
    take(choice) {
      this.text = choice.filled;
      this.missing = choice.missing;
      this.unsaid = { id: this.open.id, text: this.text, slash: null, isNote: false };
      this.hand();
      this.keep();
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
      if (event.key === "Escape") {
        if (this.choices.length) this.$emit("typed", { id: this.open.id, text: "", slash: null, isNote: false, quiet: true });
        else this.$refs.said.focus();
        return;
      }
      if (sends) {
        event.preventDefault();
        this.send();
      }
    },
    send() {
      if (!this.text.trim() || this.missing.length || (!this.isNote && !this.open.is_mine)) return;
      clearTimeout(this.typing);
      this.unsaid = null;
      if (this.tried?.text !== this.text) this.tried = { text: this.text, key: newKey() };
      this.keep();
      this.$emit("send", { id: this.open.id, text: this.text, isNote: this.isNote, key: this.tried.key });
    },
    // The words have arrived; what was begun since then stays.
    sent({ id, text, isNote }) {
      const place = this.place(isNote ? "note" : "reply", id);
      const isHere = place === this.place();
      if (isHere && this.text !== text) return;
      sessionStorage.removeItem(place);
      if (!isHere) return;
      this.text = "";
      this.tried = null;
      this.$nextTick(this.toEnd);
      if (document.activeElement === document.body || this.$refs.form.contains(document.activeElement)) this.$refs.text.focus();
    },
  },
};
