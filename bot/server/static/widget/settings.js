/* The page's settings, with everything that may be left out filled in. */

export function readSettings(given, source) {
  const base = new URL(given.baseUrl || new URL("..", source).href);
  const socket = new URL("webhooks/web_widget/socket", base.href.endsWith("/") ? base : `${base.href}/`);
  socket.protocol = socket.protocol === "http:" ? "ws:" : "wss:";
  return {
    socketUrl: socket.href,
    storageKey: `frontdesk:${base.host}`,
    locale: given.locale || navigator.language || "en",
    theme: ["light", "dark"].includes(given.theme) ? given.theme : "auto",
    accent: colour(given.accent) || "#0b4f4a",
    title: given.title,
    greeting: given.greeting,
    suggestions: given.suggestions || [],
    humanPayload: given.humanPayload || "/human_handoff",
  };
}

/* A setting may be one value, or one per language: {en: …, zh: …}. */
export function localised(value, locale) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return value[locale] ?? value[locale.split("-")[0]] ?? value.en;
}

function colour(value) {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value : null;
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

/* Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function readableOn(hex) {
  const [r, g, b] = channels(hex).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#14110f" : "#ffffff";
}

/* The same hue, as light (in percent) as one needs it to be. */
export function shade(hex, lightness) {
  const [r, g, b] = channels(hex);
  const [most, spread] = [Math.max(r, g, b), Math.max(r, g, b) - Math.min(r, g, b)];
  const sixth = { [b]: (r - g) / spread + 4, [g]: (b - r) / spread + 2, [r]: (g - b) / spread }[most];
  const strength = spread ? spread / (1 - Math.abs(2 * most - spread - 1)) : 0;
  return `hsl(${spread ? Math.round(sixth * 60) : 0} ${Math.round(strength * 70)}% ${lightness}%)`;
}
