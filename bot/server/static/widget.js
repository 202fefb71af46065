/*
 * The chat widget's one script tag. It puts the SDK object in place and loads the rest beside itself.
 *
 *   <script src="settings.js"></script>     window.frontdeskSettings = { title: "Shop", accent: "#0b4f4a" }
 *   <script async src="https://bot.example/static/widget.js"></script>
 *
 * window.frontdesk: open() close() toggle() isOpen() send(text) setLocale(tag) setUser(id, {…}) reset().
 * Calls before the widget is there are kept and made then; `frontdesk:ready` is fired on window.
 */
(() => {
  "use strict";
  if (window.frontdesk) return;
  const source = document.currentScript.src;
  const waiting = [];
  let panel = null;
  const call = (name) => (...args) => (panel ? panel[name](...args) : void waiting.push([name, args]));
  const names = ["open", "close", "toggle", "send", "setLocale", "setUser", "reset"];
  window.frontdesk = Object.fromEntries(names.map((name) => [name, call(name)]));
  window.frontdesk.isOpen = () => Boolean(panel && panel.isOpen());

  const start = async () => {
    const { Panel } = await import(new URL("widget/panel.js", source).href);
    const { readSettings } = await import(new URL("widget/settings.js", source).href);
    panel = new Panel(readSettings(window.frontdeskSettings || {}, source));
    for (const [name, args] of waiting.splice(0)) panel[name](...args);
    window.dispatchEvent(new CustomEvent("frontdesk:ready", { detail: window.frontdesk }));
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
})();
