// The training inbox: each doubtful message with what was understood, to be put right in place.
export default {
  template: `
    <ul class="inbox">
      <li v-for="row in rows" :key="row.id" class="doubt">
        <p class="chips">
          <span class="chip" :class="{bad: row.why === 'negative', warn: row.why === 'fallback'}">{{ row.why.replaceAll("_", " ") }}</span>
          <span v-if="row.language" class="chip">{{ row.language }}</span>
          <span v-if="row.ranking.length > 1" class="soft small">{{ percent(row.ranking[0]) }}, then {{ percent(row.ranking[1]) }}</span>
          <span class="soft small">{{ moment(row.said_at) }}</span>
          <a class="small" :href="'/desk/?conversation=' + row.conversation_id">Conversation</a>
          <span v-if="row.by" class="soft small">{{ row.verdict }} by {{ row.by }}, {{ moment(row.decided_at) }}</span>
        </p>
        <p class="doubt-text" dir="auto" :ref="(element) => (texts[row.id] = element)" @mouseup="pick(row)" @keyup.shift="pick(row)" tabindex="0"
          ><template v-for="part in parts(row)"><mark v-if="part.entity" :title="part.entity.value || ''">{{ part.text }}<sub>{{ part.entity.entity }}<template v-if="part.entity.role"> ({{ part.entity.role }})</template></sub><button type="button" :aria-label="'Remove ' + part.entity.entity" @click="drop(row, part.entity)">×</button></mark><template v-else>{{ part.text }}</template></template></p>
        <form v-if="picked && picked.id === row.id" class="bar" @submit.prevent="add(row)">
          <span class="soft small">“{{ row.text.slice(picked.start, picked.end) }}” is</span>
          <label><span class="unseen">Kind of entity</span><select v-model="kind"><option v-for="name in entities" :key="name">{{ name }}</option></select></label>
          <label><span class="unseen">Role</span><input v-model="role" placeholder="role" size="8"></label>
          <button>Add</button><button type="button" @click="picked = null">No</button>
        </form>
        <div class="bar">
          <label><span class="unseen">Intent</span>
            <select :value="chosen(row)" @change="edit(row).intent = $event.target.value">
              <optgroup label="Understood"><option v-for="[name, score] in row.ranking" :key="name" :value="name">{{ name || "(none)" }} {{ Math.round(score * 100) }} %</option></optgroup>
              <optgroup label="All"><option v-for="name in others(row)" :key="name" :value="name">{{ name }}</option></optgroup>
            </select>
          </label>
          <label><span class="unseen">Mood</span>
            <select :value="edit(row).sentiment || ''" @change="edit(row).sentiment = $event.target.value">
              <option value="">{{ row.sentiment || "no mood" }}</option>
              <option v-for="mood in ['positive', 'neutral', 'negative']" :key="mood" :value="mood">{{ mood }}</option>
            </select>
          </label>
          <template v-if="row.verdict === 'open'">
            <button v-if="!isChanged(row)" type="button" class="main" @click="$emit('validate', row.id)">Right</button>
            <button v-else type="button" class="main" @click="change(row)">Change</button>
            <button type="button" @click="$emit('unknown', row.id)">Unknown</button>
            <button type="button" @click="$emit('remove', row.id)">Delete</button>
          </template>
          <button v-else type="button" @click="$emit('reopen', row.id)">Open again</button>
        </div>
      </li>
    </ul>`,
  props: { rows: { type: Array, default: () => [] }, intents: { type: Array, default: () => [] }, entities: { type: Array, default: () => [] } },
  data: () => ({ edits: {}, picked: null, kind: "", role: "", texts: {} }),
  methods: {
    edit(row) {
      return (this.edits[row.id] ||= { intent: null, sentiment: "", entities: row.entities.map((one) => ({ ...one })), touched: false });
    },
    chosen(row) {
      return this.edit(row).intent ?? row.intent ?? row.ranking[0]?.[0] ?? "";
    },
    others(row) {
      const known = new Set(row.ranking.map(([name]) => name));
      return this.intents.filter((name) => !known.has(name));
    },
    isChanged(row) {
      const edit = this.edit(row);
      return edit.touched || Boolean(edit.sentiment) || (edit.intent !== null && edit.intent !== row.ranking[0]?.[0]);
    },
    parts(row) {
      const parts = [];
      let at = 0;
      const characters = [...row.text]; // offsets count characters, not the halves that JavaScript counts
      for (const entity of [...this.edit(row).entities].sort((a, b) => a.start - b.start)) {
        if (entity.start > at) parts.push({ text: characters.slice(at, entity.start).join("") });
        parts.push({ text: characters.slice(entity.start, entity.end).join(""), entity });
        at = entity.end;
      }
      parts.push({ text: characters.slice(at).join("") });
      return parts;
    },
    pick(row) {
      const selection = getSelection();
      const text = selection.toString().trim();
      if (!text || !this.texts[row.id].contains(selection.anchorNode)) return;
      const before = selection.getRangeAt(0).cloneRange();
      const lead = document.createRange();
      lead.setStart(this.texts[row.id], 0);
      lead.setEnd(before.startContainer, before.startOffset);
      const fragment = lead.cloneContents();
      fragment.querySelectorAll("sub, button").forEach((one) => one.remove());
      let start = [...fragment.textContent].length;
      start += [...selection.toString()].length - [...selection.toString().trimStart()].length;
      const end = start + [...text].length;
      if ([...row.text].slice(start, end).join("") !== text) return; // a mark lies within: take it off first
      if (this.edit(row).entities.some((one) => one.start < end && start < one.end)) return;
      this.picked = { id: row.id, start, end };
      this.kind ||= this.entities[0] || "";
      this.role = "";
    },
    add(row) {
      const entity = { start: this.picked.start, end: this.picked.end, entity: this.kind };
      if (this.role.trim()) entity.role = this.role.trim();
      this.edit(row).entities.push(entity);
      this.edit(row).touched = true;
      this.picked = null;
    },
    drop(row, entity) {
      const edit = this.edit(row);
      edit.entities = edit.entities.filter((one) => one !== entity);
      edit.touched = true;
    },
    change(row) {
      const edit = this.edit(row);
      this.$emit("change", { id: row.id, intent: this.chosen(row), entities: edit.entities, sentiment: edit.sentiment || null });
      delete this.edits[row.id];
    },
    percent: ([name, score]) => `${name || "(none)"} ${Math.round(score * 100)} %`,
    moment: (at) => new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
  },
};
