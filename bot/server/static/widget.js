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
  const call = (name) => (...args) =>
    panel ? panel[name](...args) : new Promise((done) => waiting.push(() => done(panel[name](...args))));
  const names = ["open", "close", "toggle", "send", "setLocale", "setUser", "reset"];
  const frontdesk = Object.fromEntries(names.map((name) => [name, call(name)]));
  frontdesk.isOpen = () => Boolean(panel && panel.isOpen());
  window.frontdesk = frontdesk;

  const start = async () => {
    const { start: begin } = await import(new URL("widget/main.js", source));
    panel = await begin(window.frontdeskSettings || {}, source);
    for (const make of waiting.splice(0)) make();
    dispatchEvent(new CustomEvent("frontdesk:ready", { detail: frontdesk }));
    panel.begin();
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
