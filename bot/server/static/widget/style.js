/* How the widget looks. Constructed style sheets, so that a page's content security policy has no say. */

import { readableOn, shade } from "./settings.js";

const CSS = `
:host {
  all: initial; position: fixed; z-index: 2147483000; inset-block-end: 20px; inset-inline-end: 20px;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  --surface: #fff; --canvas: #f7f5f1; --raised: #fff; --ink: #1d1b18; --muted: #625d55; --line: #e2ddd3;
  --warn: #fdf0d5; --warn-ink: #6b4500; --bad: #a8201a; --shadow: 0 18px 50px rgb(30 25 15 / .2), 0 2px 8px rgb(30 25 15 / .1);
  --field-line: #8d877c; --accent-ink: var(--accent-on-light); color-scheme: light;
}
:host([data-theme="dark"]) {
  --surface: #1c1f20; --canvas: #141617; --raised: #24292a; --ink: #f1efea; --muted: #aca69b; --line: #363c3d;
  --warn: #3b2f16; --warn-ink: #f7dca4; --bad: #ff9a92; --shadow: 0 18px 50px rgb(0 0 0 / .55), 0 0 0 1px #303536;
  --field-line: #7d7a73; --accent-ink: var(--accent-on-dark); color-scheme: dark;
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, textarea { font: inherit; color: inherit; margin: 0; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent-ink); outline-offset: 2px; }
.icon { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8;
  stroke-linecap: round; stroke-linejoin: round; flex: none; display: block; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher { display: grid; place-items: center; width: 60px; height: 60px; border: 0; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); box-shadow: 0 8px 24px rgb(20 20 10 / .28); position: relative;
  margin-inline-start: auto; transition: transform .16s ease; }
.launcher:hover { transform: translateY(-2px); }
.launcher .icon { width: 30px; height: 30px; }
.badge { position: absolute; inset-block-start: -3px; inset-inline-end: -3px; min-width: 22px; height: 22px;
  padding-inline: 6px; border-radius: 11px; background: #b3261e; color: #fff; font-size: 12.5px; font-weight: 700;
  line-height: 22px; text-align: center; box-shadow: 0 0 0 2px var(--surface); }

.panel { --tint: color-mix(in srgb, var(--accent-ink) 10%, var(--surface)); position: absolute; inset-block-end: 76px; inset-inline-end: 0; width: 400px; color: var(--ink);
  height: min(680px, calc(100dvh - 116px)); background: var(--canvas);
  border-radius: 18px; box-shadow: var(--shadow); overflow: hidden; display: flex; flex-direction: column;
  animation: rise .2s cubic-bezier(.2, .8, .3, 1); text-align: start; }
@keyframes rise { from { opacity: 0; transform: translateY(12px) scale(.98); } }

.head { display: flex; align-items: center; gap: 12px; padding-block: 14px; padding-inline: 18px 12px; background: var(--accent);
  color: var(--on-accent); }
.mark { display: grid; place-items: center; width: 40px; height: 40px; border-radius: 12px; flex: none;
  background: color-mix(in srgb, var(--on-accent) 16%, transparent); }
.names { flex: 1; min-width: 0; }
.title { font-size: 16.5px; font-weight: 650; line-height: 1.25; margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.subtitle { font-size: 13px; line-height: 1.35; margin: 1px 0 0; }
.plain { display: grid; place-items: center; width: 38px; height: 38px; border: 0; border-radius: 10px;
  background: none; }
.head .plain:hover { background: color-mix(in srgb, var(--on-accent) 14%, transparent); }
.head :focus-visible { outline-color: var(--on-accent); outline-offset: -2px; }

.banner { margin: 0; padding: 8px 18px; background: var(--warn); color: var(--warn-ink); font-size: 13.5px; line-height: 1.4; }

.middle { position: relative; flex: 1; min-height: 0; display: flex; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px 16px 8px; scrollbar-width: thin; }
.log:focus-visible { outline-offset: -3px; }
.intro { background: var(--raised); border: 1px solid var(--line); border-radius: 14px; padding: 16px; margin-block-end: 6px; }
.label { display: inline-flex; align-items: center; gap: 6px; padding: 3px 10px 3px 8px; border-radius: 20px; font-size: 12.5px;
  font-weight: 600; line-height: 1.5; color: var(--accent-ink); background: var(--tint); }
.label .icon { width: 15px; height: 15px; stroke-width: 2; }
.greeting { margin: 10px 0 0; white-space: pre-line; }
.intro .choices { margin-block-start: 12px; }

.item { display: flex; flex-direction: column; align-items: flex-start; gap: 6px; margin-block-start: 6px; }
.item.first { margin-block-start: 14px; }
.item.customer { align-items: flex-end; }
.day { align-self: center; font-size: 12.5px; color: var(--muted); padding: 6px 0 10px; }
.bubble { margin: 0; padding: 9px 14px; max-width: 86%; border-radius: 16px; background: var(--raised); border: 1px solid var(--line);
  white-space: pre-wrap; overflow-wrap: anywhere; text-wrap: pretty; }
.customer .bubble { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.agent .bubble { border-color: var(--accent-ink); }
.first:not(.customer) > .bubble:first-of-type { border-start-start-radius: 5px; }
.first.customer > .bubble:first-of-type { border-start-end-radius: 5px; }
.bubble a, .card a { color: inherit; text-underline-offset: 2px; }
.customer .bubble :focus-visible { outline-color: var(--on-accent); }
.sending .bubble { opacity: .8; }
.meta { display: none; gap: 6px; align-items: center; font-size: 12.5px; line-height: 1.4; color: var(--muted); padding-inline: 4px; }
.last .meta, .failed .meta { display: flex; }
.failed .state { color: var(--bad); font-weight: 600; }
.retry { border: 0; background: none; padding: 3px 6px; min-height: 24px; border-radius: 6px; color: var(--accent-ink); font-weight: 600;
  text-decoration: underline; text-underline-offset: 2px; }

.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-block: 2px; }
.choice { display: inline-block; min-height: 36px; padding: 6px 14px; border-radius: 18px; border: 1.5px solid var(--accent-ink);
  background: var(--surface); color: var(--accent-ink); font-weight: 600; font-size: 14px; line-height: 1.5; text-align: start;
  text-decoration: none; }
.choice:hover, .interest:hover { background: var(--tint); }

.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; width: 100%; }
.card { display: flex; gap: 12px; padding: 12px; border-radius: 14px; background: var(--raised); border: 1px solid var(--line); }
.thumb { flex: none; display: grid; place-items: center; width: 64px; height: 64px; border-radius: 10px; overflow: hidden;
  color: var(--accent-ink); background: color-mix(in srgb, var(--accent-ink) 14%, var(--raised)); }
.thumb img { width: 100%; height: 100%; object-fit: cover; }
.thumb .icon { width: 28px; height: 28px; stroke-width: 1.5; }
.card-text { display: flex; flex-direction: column; gap: 2px; min-width: 0; flex: 1; }
.card-name { font-weight: 650; line-height: 1.35; }
.reason { font-size: 13.5px; line-height: 1.4; color: var(--muted); }
.card-foot { display: flex; align-items: center; justify-content: space-between; gap: 8px; flex-wrap: wrap; margin-block-start: 3px; }
.price { font-weight: 650; font-variant-numeric: tabular-nums; }
.interest { min-height: 30px; padding: 2px 12px; border-radius: 15px; border: 1.5px solid var(--accent-ink); background: none;
  color: var(--accent-ink); font-size: 13.5px; font-weight: 600; }
.picture { display: block; max-width: 86%; border-radius: 14px; overflow: hidden; border: 1px solid var(--line); color: var(--accent-ink); }
.picture img { display: block; max-width: 100%; max-height: 260px; }
.file { display: inline-flex; gap: 8px; align-items: center; padding: 9px 14px; border-radius: 14px; background: var(--raised);
  border: 1px solid var(--line); color: var(--accent-ink); font-weight: 600; }

.dots { display: inline-flex; gap: 5px; padding: 14px 16px; margin-block: 10px 4px; border-radius: 16px; border-start-start-radius: 5px;
  background: var(--raised); border: 1px solid var(--line); }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--muted); animation: dot 1.2s infinite ease-in-out; }
.dots i:nth-child(2) { animation-delay: .15s; }
.dots i:nth-child(3) { animation-delay: .3s; }
@keyframes dot { 0%, 60%, 100% { opacity: .35; transform: none; } 30% { opacity: 1; transform: translateY(-3px); } }
.newer { position: absolute; inset-block-end: 10px; inset-inline: 0; margin-inline: auto; width: max-content; display: flex; gap: 6px;
  align-items: center; padding: 6px 14px 6px 10px; border-radius: 18px; border: 1px solid var(--line); background: var(--surface);
  color: var(--accent-ink); font-size: 13.5px; font-weight: 600; box-shadow: 0 4px 14px rgb(0 0 0 / .16); }
.newer .icon { width: 16px; height: 16px; }

.foot { background: var(--surface); border-block-start: 1px solid var(--line); padding: 8px 12px 12px; }
.human { display: inline-flex; align-items: center; gap: 7px; min-height: 32px; padding: 4px 10px; margin-block-end: 6px; border: 0;
  border-radius: 8px; background: none; color: var(--accent-ink); font-size: 13.5px; font-weight: 600; }
.human:hover { background: var(--tint); }
.human .icon { width: 17px; height: 17px; stroke-width: 2; }
.composer { display: flex; align-items: flex-end; gap: 8px; border: 1.5px solid var(--field-line); border-radius: 14px; padding: 4px;
  background: var(--surface); }
.composer:focus-within { border-color: var(--accent-ink); box-shadow: 0 0 0 1px var(--accent-ink); }
.draft { flex: 1; resize: none; border: 0; background: none; padding: 8px 10px; max-height: 132px; line-height: 1.45; min-width: 0; outline: 0; }
.draft::placeholder { color: var(--muted); opacity: 1; }
.send { display: grid; place-items: center; width: 40px; height: 40px; border: 0; border-radius: 11px; background: var(--accent);
  color: var(--on-accent); flex: none; }
.send:disabled { background: color-mix(in srgb, var(--muted) 20%, var(--surface)); color: var(--muted); cursor: default; }
.send:dir(rtl) .icon { transform: scaleX(-1); }
.counter { margin: 6px 4px 0; font-size: 12.5px; color: var(--muted); text-align: end; }

@media (max-width: 480px) {
  :host { inset-block-end: 16px; inset-inline-end: 16px; }
  .panel { position: fixed; inset: 0; width: auto; height: auto; border-radius: 0; }
  .open .launcher { display: none; }
  .draft { font-size: 16px; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .launcher, .send { border: 1px solid; }
}
`;

export function styleSheets(accent) {
  const onAccent = readableOn(accent);
  const isDark = onAccent === "#ffffff";
  const colours = `:host { --accent: ${accent}; --on-accent: ${onAccent};
    --accent-on-light: ${isDark ? accent : shade(accent, 22)}; --accent-on-dark: ${shade(accent, 74)}; }`;
  return [colours, CSS].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
