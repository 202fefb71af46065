/* One message of the wire as what the customer sees. */

import { button, element, icon, link, linked, webAddress } from "./elements.js";

/*
 * The bubbles of an item. `pick({title, payload})` is called when the customer chooses a button, with `survey`
 * for the one that asks for a rating; `files` can show and save files.
 */
export function bubbles(item, { locale, pick, files }) {
  const { texts } = locale;
  const said = item.messages.flatMap(({ text, buttons, custom, image, attachment, file }) => [
    text && element("p.bubble", { dir: "auto" }, ...linked(text)),
    buttons?.length && choices(buttons, pick),
    custom && customPart(custom, locale, pick),
    image && picture(image, texts.picture),
    attachment && attached(attachment, texts.file),
    file && tile(file, locale, files),
  ]);
  const note = item.event && element("p.note", {}, texts[item.event](item.name, item.waits));
  return [...said, note, item.event === "left" && !item.waits && survey(texts, pick)].filter(Boolean);
}

function choices(buttons, pick) {
  return element("div.choices", {}, ...buttons.map((choice) => {
    const title = String(choice.title ?? choice.payload ?? "");
    const href = webAddress(choice.url);
    if (href) return link("a.choice", href, title);
    const payload = String(choice.payload ?? title);
    return button("choice", { dir: "auto", click: () => pick({ ...choice, title, payload }) }, title);
  }));
}

function survey(texts, pick) {
  return choices([{ title: texts.rate, survey: true }], pick);
}

function customPart({ type, products }, locale, pick) {
  if (type === "survey") return survey(locale.texts, pick);
  if (type !== "product_cards" || !Array.isArray(products)) return null;
  const cards = products.map((product) => card(product, locale, pick));
  return element("ul.cards", { "aria-label": locale.texts.products }, ...cards);
}

function card(product, locale, pick) {
  const { texts } = locale;
  const name = String(product.name ?? product.sku ?? "");
  const href = webAddress(product.url);
  const title = `${texts.interested}: ${name}`;
  const payload = String(product.payload);
  const src = webAddress(product.image);
  const thumb = element("span.thumb");
  thumb.append(src ? loaded(src, "", () => thumb.replaceChildren(icon("bag"))) : icon("bag"));
  return element("li.card", {}, thumb,
    element("div", {},
      element("strong", { dir: "auto" }, href ? link("a", href, name) : name),
      product.reason && element("span.reason", { dir: "auto" }, String(product.reason)),
      element("span.card-foot", {},
        element("b", {}, locale.price(product.price, product.currency)),
        product.payload &&
          button("choice", { "aria-label": title, click: () => pick({ title, payload }) }, texts.interested),
      ),
    ),
  );
}

function picture(address, alt) {
  const src = webAddress(address);
  if (!src) return null;
  const frame = link("a.picture", src);
  frame.append(loaded(src, alt, () => frame.replaceChildren(alt)));
  return frame;
}

function loaded(src, alt, error) {
  return element("img", { src, alt, loading: "lazy", referrerpolicy: "no-referrer", error });
}

function attached(attachment, unnamed) {
  const { payload = {}, ...data } = typeof attachment === "string" ? { url: attachment } : attachment;
  const href = webAddress(data.url || payload.url || payload.src);
  const name = String(data.name || payload.title || data.title || unnamed);
  if (!href) return element("p.bubble", { dir: "auto" }, name);
  return link("a.tile", href, icon("file"), name);
}

/* A file of the conversation: a click saves it, and a picture is shown. */
function tile(file, locale, files) {
  const made = button("tile", { click: () => files("save", file) }, icon("file"),
    element("span", {}, element("b", { dir: "auto" }, String(file.name)), locale.size(file.size)));
  if (/^image/.test(file.type)) files("preview", file, made);
  return made;
}
