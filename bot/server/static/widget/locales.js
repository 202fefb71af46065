/* What the widget itself says. Another language is a file in locales/, loaded where it is wanted. */

const TEXTS = {
  en: {
    title: "Customer service",
    subtitle: "Automated assistant",
    greeting: "Hello! I am the automated assistant. How can I help?",
    assistant: "Assistant",
    you: "You",
    open: "Open chat",
    close: "Close chat",
    unread: (n) => `${n} unread ${n === 1 ? "message" : "messages"}`,
    log: "Conversation",
    write: "Write a message",
    send: "Send",
    attach: "Send a file",
    human: "Talk to a person",
    rate: "Rate this chat",
    sending: "Sending…",
    sent: "Sent",
    failed: "Not sent",
    kind: "This kind of file cannot be sent",
    large: (size) => `A file may have ${size} at most`,
    retry: "Try again",
    connecting: "Connecting…",
    offline: "No connection. Your messages are kept and sent when it is back.",
    newer: "New messages",
    today: "Today",
    typing: "Assistant is typing",
    picture: "Picture",
    file: "Attachment",
    products: "Recommended products",
    interested: "I am interested",
    queue: (n) => `You are number ${n} in the queue. A person will answer here.`,
    joined: (name) => `${name} has joined the conversation`,
    left: (name, waits) => `${name} has left.${waits ? "" : " The assistant answers again."}`,
    error: "That did not work. Please try again.",
    needed: "Please fill this in",
    wrong: "Please enter an e-mail address",
    optional: "optional",
    back: "Back to the chat",
    name: "Name",
    email: "E-mail",
    phone: "Telephone",
    text: "Message",
    before: "Before we start",
    start: "Start the chat",
    away: "Leave a message",
    nobody: "Nobody can answer right now. We will write to you by e-mail.",
    until: (when) => `Our people are back ${when}. Leave a message, and we will write to you by e-mail.`,
    noted: (number) => `Thank you. Your message is with us as ${number}.`,
    how: "How was this chat?",
    bad: "Very bad",
    good: "Very good",
    comment: "What should we know about it?",
    thanks: "Thank you for your rating.",
  },
};
const OTHERS = ["ar", "zh"];
const RIGHT_TO_LEFT = ["ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"];

/* The locale of a tag, with its texts; a language that we do not speak is served in English. */
export async function loadLocale(given) {
  const tag = supportedTag(given);
  const language = tag.split("-")[0].toLowerCase();
  try {
    if (OTHERS.includes(language)) TEXTS[language] ??= (await import(`./locales/${language}.js`)).default;
  } catch {
    /* English is better than nothing. */
  }
  return new Locale(tag, language);
}

class Locale {
  constructor(tag, language) {
    this.tag = tag;
    this.texts = TEXTS[language] || TEXTS.en;
    /* The texts' own language. */
    this.language = TEXTS[language] ? (language === "zh" ? "zh-CN" : language) : "en";
    this.direction = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  }

  date(date, options) {
    return new Intl.DateTimeFormat(this.tag, options).format(date);
  }

  time(date) {
    return this.date(date, { hour: "numeric", minute: "2-digit" });
  }

  day(date) {
    if (date.toDateString() === new Date().toDateString()) return this.texts.today;
    return this.date(date, { weekday: "long", day: "numeric", month: "long" });
  }

  moment(date) {
    return this.date(date, { weekday: "long", hour: "numeric", minute: "2-digit" });
  }

  number(value, options) {
    return new Intl.NumberFormat(this.tag, options).format(value);
  }

  size(bytes) {
    const [unit, value] = bytes < 1e6 ? ["kilobyte", Math.ceil(bytes / 1e3)] : ["megabyte", bytes / 1e6];
    return this.number(value, { style: "unit", unit, maximumFractionDigits: unit === "megabyte" ? 1 : 0 });
  }

  price(amount, currency) {
    if (amount === null || amount === undefined) return "";
    try {
      return this.number(Number(amount), { style: "currency", currency });
    } catch {
      return `${amount} ${currency || ""}`.trim();
    }
  }
}

function supportedTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0] || "en";
  } catch {
    return "en";
  }
}
