/* How the widget looks. Constructed style sheets, so that a page's content security policy has no say. */

import { readableOn } from "./settings.js";
/* The server puts style.css here as text: what a page may load as a script it may load as a style. */
import css from "./style.css.js";

export function styleSheets(accent) {
  const onAccent = readableOn(accent);
  /* The company's colour as text: as much of it as leaves a contrast of 4.5 to the surfaces. */
  const share = onAccent === "#ffffff" ? 85 : 40;
  const colours = `:host { --accent: ${accent}; --on-accent: ${onAccent};
    --on-light: color-mix(in srgb, ${accent} ${share}%, #000); --on-dark: color-mix(in srgb, ${accent} 40%, #fff); }`;
  return [colours, css].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
