/* What the widget itself says. A language is one more table; its direction follows from its name. */

const TEXTS = {
  en: {
    title: "Customer service",
    subtitle: "Automated assistant",
    greeting: "Hello! I am the automated assistant. How can I help?",
    assistant: "Assistant",
    agent: "Customer service",
    you: "You",
    open: "Open chat",
    close: "Close chat",
    unread: (n) => `${n} unread ${n === 1 ? "message" : "messages"}`,
    log: "Conversation",
    write: "Write a message",
    send: "Send",
    human: "Talk to a person",
    sending: "Sending…",
    sent: "Sent",
    failed: "Not sent",
    tooLong: "Too long to send",
    retry: "Try again",
    connecting: "Connecting…",
    offline: "No connection. Your messages are kept and sent when it is back.",
    newer: "New messages",
    today: "Today",
    typing: "Assistant is typing",
    picture: "Picture",
    attachment: "Attachment",
    products: "Recommended products",
    interested: "I am interested",
    left: (n) => `${n} characters left`,
  },
  zh: {
    title: "客户服务",
    subtitle: "自动助理",
    greeting: "您好！我是自动助理，请问有什么可以帮您？",
    assistant: "助理",
    agent: "人工客服",
    you: "您",
    open: "打开聊天",
    close: "关闭聊天",
    unread: (n) => `${n} 条未读消息`,
    log: "对话",
    write: "请输入消息",
    send: "发送",
    human: "转人工客服",
    sending: "发送中…",
    sent: "已发送",
    failed: "未发送",
    tooLong: "内容过长，无法发送",
    retry: "重试",
    connecting: "正在连接…",
    offline: "连接已断开。消息会保留，恢复后自动发送。",
    newer: "有新消息",
    today: "今天",
    typing: "助理正在输入",
    picture: "图片",
    attachment: "附件",
    products: "推荐商品",
    interested: "我感兴趣",
    left: (n) => `还可输入 ${n} 个字符`,
  },
};

const RIGHT_TO_LEFT = ["ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"];

export class Locale {
  constructor(tag) {
    this.tag = supportedTag(tag);
    const language = this.tag.split("-")[0].toLowerCase();
    this.texts = TEXTS[language] || TEXTS.en;
    /* The texts' own language: a page in a language we do not speak is served in English. */
    this.language = TEXTS[language] ? (language === "zh" ? "zh-CN" : language) : "en";
    this.direction = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  }

  time(date) {
    return new Intl.DateTimeFormat(this.tag, { hour: "numeric", minute: "2-digit" }).format(date);
  }

  day(date) {
    if (date.toDateString() === new Date().toDateString()) return this.texts.today;
    return new Intl.DateTimeFormat(this.tag, { weekday: "long", day: "numeric", month: "long" }).format(date);
  }

  price(amount, currency) {
    const number = Number(amount);
    try {
      return new Intl.NumberFormat(this.tag, { style: "currency", currency }).format(number);
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
