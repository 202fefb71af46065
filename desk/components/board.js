// A board: cards in columns, moved with the mouse or from the menu of each card, which the keyboard reaches.
// A narrow screen shows one column, chosen above it.
export default {
  template: `
    <div class="board" :aria-label="label" role="group">
      <div class="lane-tabs" role="group" aria-label="Column">
        <button v-for="column in columns" :key="column.id" type="button" :aria-pressed="column.id === present ? 'true' : 'false'"
                @click="chosen = column.id">{{ column.label }} {{ column.total }}</button>
      </div>
      <section v-for="column in columns" :key="column.id" class="lane" :class="{over: over === column.id, shown: column.id === present}"
               :aria-label="column.label" @dragover.prevent="over = column.id" @dragleave="over = null" @drop.prevent="drop(column.id)">
        <div class="lane-top"><h2>{{ column.label }} <span class="count">{{ column.total }}</span></h2>
          <span v-if="column.sum" class="soft small">{{ column.sum }}</span></div>
        <p v-if="!column.cards.length" class="empty small">Nothing here</p>
        <ul>
          <li v-for="card in column.cards" :key="card.id" class="tile" :draggable="!column.is_final" @dragstart="drag(card, $event)" @dragend="held = null">
            <p v-if="card.number" class="soft small">{{ card.number }}</p>
            <button v-if="opens" type="button" class="tile-title" dir="auto" @click="$emit('open', card.id)">{{ card.title }}</button>
            <p v-else class="tile-title" dir="auto">{{ card.title }}</p>
            <p class="soft small"><bdi>{{ card.who }}</bdi></p>
            <p v-if="card.text">{{ card.text }}</p>
            <p v-if="card.chips.length || card.due_at" class="chips">
              <span v-for="[text, tone] in card.chips" class="chip" :class="tone">{{ text }}</span>
              <span v-if="card.due_at" class="chip" :class="{bad: late(card)}"><time :datetime="card.due_at" :title="moment(card.due_at)">{{ due(card) }}</time></span>
            </p>
            <div v-if="card.agent || !column.is_final" class="tile-foot">
              <span class="soft small">{{ card.agent === "" ? "Nobody" : card.agent }}</span>
              <label v-if="!column.is_final" class="move"><span class="unseen">Move {{ card.number }} {{ card.title }} to</span>
                <select :value="column.id" @change="move(card.id, $event)">
                  <option v-for="other in columns" :key="other.id" :value="other.id">{{ other.label }}</option>
                </select>
              </label>
            </div>
          </li>
        </ul>
        <p v-if="column.total > column.cards.length" class="soft small">and {{ column.total - column.cards.length }} more: search to find them</p>
      </section>
    </div>`,
  props: { columns: { type: Array, default: () => [] }, label: String, opens: Boolean },
  data: () => ({ held: null, over: null, chosen: null }),
  computed: {
    present() {
      return this.chosen ?? this.columns[0]?.id;
    },
  },
  methods: {
    drag(card, event) {
      this.held = card.id;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", String(card.id));
    },
    drop(column) {
      this.over = null;
      if (this.held !== null) this.$emit("move", { id: this.held, to: column });
      this.held = null;
    },
    move(id, event) {
      this.$emit("move", { id, to: event.target.value });
    },
    late: (card) => Date.parse(card.due_at) < Date.now(),
    due(card) {
      const minutes = Math.abs(Date.parse(card.due_at) - Date.now()) / 60000;
      const span = minutes < 90 ? `${Math.round(minutes)} min` : minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
      return this.late(card) ? `${span} late` : `due in ${span}`;
    },
    moment: (at) => new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
  },
};
