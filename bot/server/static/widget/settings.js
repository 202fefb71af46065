/* The page's settings, with everything that may be left out filled in. */

export function readSettings(given, source) {
  const base = new URL(given.baseUrl || new URL("..", source).href);
  const channel = new URL("webhooks/web_widget/", base.href.replace(/\/?$/, "/")).href;
  return {
    socketUrl: `${channel.replace(/^http/, "ws")}socket`,
    filesUrl: `${channel}files/`,
    storageKey: `frontdesk:${base.host}`,
    locale: given.locale || navigator.language || "en",
    theme: given.theme,
    accent: /^#[0-9a-f]{6}$/i.test(given.accent) ? given.accent : "#0b4f4a",
    title: given.title,
    greeting: given.greeting,
    suggestions: given.suggestions || [],
    humanPayload: given.humanPayload || "/human_handoff",
    preChat: given.preChat || [],
    user: given.user,
  };
}

/* A setting may be one value, or one per language: {en: …, zh: …}. */
export function localised(value, locale) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return value[locale] ?? value[locale.split("-")[0]] ?? value.en;
}

/* Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function readableOn(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#14110f" : "#ffffff";
}
