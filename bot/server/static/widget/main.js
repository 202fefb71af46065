/*
 * What a page loads at once: the server joins the modules that are named from here into one script. Forms, files
 * and further languages come when they are wanted, and find here what they share with the rest.
 */

import { loadLocale } from "./locales.js";
import { Panel } from "./panel.js";
import { readSettings } from "./settings.js";

export { button, element, icon } from "./elements.js";
export { localised } from "./settings.js";

export async function start(given, source) {
  const settings = readSettings(given, source);
  return new Panel(settings, await loadLocale(settings.locale));
}
