// The customer of the open conversation: profile, orders, tickets, other conversations, opportunities.
const channels = { web_widget: "Web", telegram: "Telegram", slack: "Slack", rest: "REST", socketio: "Web" };

export default {
  template: `
    <section class="profile" aria-label="Customer" tabindex="0">
      <button type="button" class="icon narrow-only" aria-label="Back to the conversation" @click="$emit('back')">
        <i class="q-icon notranslate material-icons" aria-hidden="true">arrow_back</i></button>
      <p v-if="!panel" class="empty">{{ stays ? "Nobody knows who this is yet." : "Here stands who writes." }}</p>
      <template v-else>
        <div class="profile-top">
          <span class="avatar" aria-hidden="true">{{ initials }}</span>
          <h2><bdi>{{ panel.name || "Without a name" }}</bdi></h2>
        </div>
        <dl class="facts">
          <div v-for="[label, value] in facts"><dt>{{ label }}</dt><dd><bdi>{{ value }}</bdi></dd></div>
        </dl>
        <section v-for="group in groups" :key="group.title">
          <h3>{{ group.title }} <span class="count">{{ group.rows.length }}</span></h3>
          <ul>
            <li v-for="row in group.rows" :key="row.key">
              <div class="row-top">
                <button v-if="row.open" type="button" class="link" @click="$emit('open', row.open)">{{ row.title }}</button>
                <a v-else-if="row.href" :href="row.href">{{ row.title }}</a>
                <span v-else dir="auto">{{ row.title }}</span>
                <span class="chip" :class="tones[row.status]">{{ row.status }}</span>
              </div>
              <p v-if="row.more" class="soft small" dir="auto">{{ row.more }}</p>
              <p v-if="row.decide" class="decide">
                <button type="button" @click="$emit('decide', {id: row.decide, accepted: true})">Accept</button>
                <button type="button" @click="$emit('decide', {id: row.decide, accepted: false})">Decline</button>
              </p>
            </li>
          </ul>
        </section>
        <section v-if="stays?.length">
          <h3>Earlier with people <span class="count">{{ stays.length }}</span></h3>
          <ul><li v-for="stay in stays">
            <div class="row-top"><span>{{ day(stay.requested_at) }}</span>
              <span class="chip">{{ (stay.outcome || "").replaceAll("_", " ") }}</span></div>
            <p class="soft small">{{ stay.reason }}<template v-if="stay.agent"> · {{ stay.agent }}</template></p></li></ul>
        </section>
        <p v-if="!groups.length && !stays?.length" class="soft">No orders, tickets or sales yet.</p>
      </template>
    </section>`,
  props: { panel: Object, stays: Array }, // no stays: nothing is open
  data: () => ({ tones: { delivered: "good", accepted: "good", won: "good", resolved: "good", cancelled: "bad", open: "warn" } }),
  computed: {
    initials() {
      const words = (this.panel.name || "?").split(" ");
      return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] || "").join("").toUpperCase();
    },
    facts() {
      const place = [this.panel.city, this.panel.country].filter(Boolean).join(", ");
      return [
        ["E-mail", this.panel.email],
        ["Phone", this.panel.phone],
        ["Place", place],
        ["Language", this.language(this.panel.language)],
        ["Writes on", this.panel.channels.map((one) => channels[one] || one).join(", ")],
        ["Since", this.day(this.panel.since_at)],
      ].filter(([, value]) => value);
    },
    groups() {
      const money = (amount, currency) => (amount == null ? "" : Number(amount).toLocaleString([], { style: "currency", currency }));
      return [
        { title: "Orders", rows: this.panel.orders.map((one) => ({ key: one.number, title: one.number, status: one.status, more: [one.items.join(", "), money(one.total, one.currency), this.day(one.placed_at)].join(" · ") })) },
        { title: "Tickets", rows: this.panel.tickets.map((one) => ({ key: one.id, href: `/desk/tickets?ticket=${one.id}`, title: one.number, status: one.status, more: one.subject })) },
        { title: "Other conversations", rows: this.panel.conversations.map((one) => ({ key: one.id, open: one.id, title: `${channels[one.channel] || one.channel}, ${this.day(one.last_activity_at)}`, status: one.owner })) },
        { title: "Opportunities", rows: this.panel.opportunities.map((one) => ({ key: one.id, title: one.title, status: one.stage, more: money(one.amount, one.currency) })) },
        { title: "Recommendations", rows: this.panel.recommendations.map((one) => ({ key: one.id, title: one.product, status: one.status, more: one.reason, decide: one.status === "offered" ? one.id : null })) },
      ].filter((group) => group.rows.length);
    },
  },
  methods: {
    language(code) {
      return code && new Intl.DisplayNames(["en"], { type: "language" }).of(code);
    },
    day(at) {
      return new Date(at).toLocaleDateString([], { dateStyle: "medium" });
    },
  },
};
