// The customer of the open conversation: profile, orders, tickets, other conversations, opportunities.
export default {
  template: `
    <section class="profile" aria-label="Customer" tabindex="0">
      <p v-if="!panel" class="empty">Nobody knows who this is yet.</p>
      <template v-else>
        <h2>{{ panel.name || "Without a name" }}</h2>
        <dl class="facts">
          <div v-for="[label, value] in facts"><dt>{{ label }}</dt><dd>{{ value }}</dd></div>
        </dl>
        <section v-for="group in groups" :key="group.title">
          <h3>{{ group.title }} <span class="count">{{ group.rows.length }}</span></h3>
          <p v-if="!group.rows.length" class="soft small">None</p>
          <ul>
            <li v-for="row in group.rows" :key="row.key">
              <button v-if="row.open" type="button" class="link" @click="$emit('open', row.open)">{{ row.title }}</button>
              <strong v-else>{{ row.title }}</strong>
              <span class="chip">{{ row.status }}</span>
              <p v-if="row.more" class="soft small">{{ row.more }}</p>
              <p v-if="row.decide" class="decide">
                <button type="button" @click="$emit('decide', {id: row.decide, accepted: true})">Accept</button>
                <button type="button" @click="$emit('decide', {id: row.decide, accepted: false})">Decline</button>
              </p>
            </li>
          </ul>
        </section>
        <section v-if="stays.length">
          <h3>Earlier with people <span class="count">{{ stays.length }}</span></h3>
          <ul><li v-for="stay in stays"><strong>{{ day(stay.requested_at) }}</strong>
            <span class="chip">{{ (stay.outcome || "").replaceAll("_", " ") }}</span>
            <p class="soft small">{{ stay.reason }}<template v-if="stay.agent"> · {{ stay.agent }}</template></p></li></ul>
        </section>
      </template>
    </section>`,
  props: { panel: Object, stays: { type: Array, default: () => [] } },
  computed: {
    facts() {
      const place = [this.panel.city, this.panel.country].filter(Boolean).join(", ");
      return [
        ["E-mail", this.panel.email],
        ["Phone", this.panel.phone],
        ["Place", place],
        ["Language", this.panel.language],
        ["Writes on", this.panel.channels.join(", ").replaceAll("_", " ")],
        ["Since", this.day(this.panel.since_at)],
      ].filter(([, value]) => value);
    },
    groups() {
      const money = (amount, currency) => (amount == null ? "" : `${amount} ${currency}`);
      return [
        { title: "Orders", rows: this.panel.orders.map((one) => ({ key: one.number, title: one.number, status: one.status, more: [one.items.join(", "), money(one.total, one.currency), this.day(one.placed_at)].join(" · ") })) },
        { title: "Tickets", rows: this.panel.tickets.map((one) => ({ key: one.id, title: one.number, status: one.status, more: one.subject })) },
        { title: "Other conversations", rows: this.panel.conversations.map((one) => ({ key: one.id, open: one.id, title: `${one.channel.replaceAll("_", " ")}, ${this.day(one.last_activity_at)}`, status: one.owner })) },
        { title: "Opportunities", rows: this.panel.opportunities.map((one) => ({ key: one.id, title: one.title, status: one.stage, more: money(one.amount, one.currency) })) },
        { title: "Recommendations", rows: this.panel.recommendations.map((one) => ({ key: one.id, title: one.product, status: one.status, more: one.reason, decide: one.status === "offered" ? one.id : null })) },
      ];
    },
  },
  methods: {
    day(at) {
      return new Date(at).toLocaleDateString([], { dateStyle: "medium" });
    },
  },
};
