// A board: cards in columns, moved with the mouse or from the menu of each card, which the keyboard reaches.
export default {
  template: `
    <div class="board" :aria-label="label" role="group">
      <section v-for="column in columns" :key="column.id" class="lane" :class="{over: over === column.id}"
               :aria-label="column.label" @dragover.prevent="over = column.id" @dragleave="over = null" @drop.prevent="drop(column.id)">
        <h2>{{ column.label }} <span class="count">{{ column.total }}</span></h2>
        <p v-if="column.sum" class="soft small">{{ column.sum }}</p>
        <ul>
          <li v-for="card in column.cards" :key="card.id" class="tile" :draggable="!column.is_final" @dragstart="drag(card, $event)" @dragend="held = null">
            <button type="button" class="tile-title" @click="$emit('open', card.id)">{{ card.title }}</button>
            <p v-if="card.text" class="tile-text">{{ card.text }}</p>
            <p class="soft small">{{ card.who }}</p>
            <p class="chips">
              <span v-for="[text, tone] in card.chips" class="chip" :class="tone">{{ text }}</span>
              <span v-if="card.due_at" class="chip" :class="{bad: late(card)}">{{ late(card) ? "late since" : "due" }} {{ moment(card.due_at) }}</span>
            </p>
            <label v-if="!column.is_final" class="move"><span class="unseen">Move {{ card.title }} to</span>
              <select :value="column.id" @change="move(card.id, $event)">
                <option v-for="other in columns" :key="other.id" :value="other.id">{{ other.label }}</option>
              </select>
            </label>
          </li>
        </ul>
        <p v-if="column.total > column.cards.length" class="soft small">and {{ column.total - column.cards.length }} more: search to find them</p>
      </section>
    </div>`,
  props: { columns: { type: Array, default: () => [] }, label: String },
  data: () => ({ held: null, over: null }),
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
    moment: (at) => new Date(at).toLocaleString([], { dateStyle: "short", timeStyle: "short" }),
  },
};
