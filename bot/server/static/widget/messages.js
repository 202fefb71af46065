/* One message of the wire as what the customer sees. */

import { element, icon, link, linked, webAddress } from "./elements.js";

/*
 * The bubbles of an item. `pick({title, payload})` is called when the customer chooses a button.
 */
export function bubbles(item, locale, pick) {
  return item.messages.flatMap((message) => parts(message, locale, pick)).filter(Boolean);
}

function parts(message, locale, pick) {
  const { text, buttons, custom, image, attachment } = message;
  return [
    text ? element("p", { class: "bubble", dir: "auto" }, ...linked(text)) : null,
    buttons && buttons.length ? choices(buttons, pick) : null,
    custom ? customPart(custom, locale, pick) : null,
    image ? picture(image, locale) : null,
    attachment ? attached(attachment, locale) : null,
  ];
}

function choices(buttons, pick) {
  return element("div", { class: "choices" }, ...buttons.map((button) => choice(button, pick)));
}

function choice(button, pick) {
  const title = String(button.title ?? button.payload ?? "");
  const href = webAddress(button.url);
  if (href) return link(href, { class: "choice" }, title);
  const payload = String(button.payload ?? title);
  return element("button", { type: "button", class: "choice", click: () => pick({ title, payload }) }, title);
}

function customPart(custom, locale, pick) {
  if (custom.type === "product_cards" && Array.isArray(custom.products)) {
    const cards = custom.products.map((product) => card(product, locale, pick));
    return element("ul", { class: "cards", "aria-label": locale.texts.products }, ...cards);
  }
  return null;
}

function card(product, locale, pick) {
  const name = String(product.name ?? product.sku ?? "");
  const href = webAddress(product.url);
  const title = href ? link(href, {}, name) : name;
  const interest = product.payload
    ? element("button", {
        type: "button",
        class: "interest",
        "aria-label": `${locale.texts.interested}: ${name}`,
        click: () => pick({ title: `${locale.texts.interested}: ${name}`, payload: String(product.payload) }),
      }, locale.texts.interested)
    : null;
  const price = product.price === null || product.price === undefined
    ? null
    : element("span", { class: "price" }, locale.price(product.price, product.currency));
  return element("li", { class: "card" },
    thumbnail(product),
    element("div", { class: "card-text" },
      element("strong", { class: "card-name", dir: "auto" }, title),
      product.reason ? element("span", { class: "reason", dir: "auto" }, String(product.reason)) : null,
      element("span", { class: "card-foot" }, price, interest),
    ),
  );
}

function thumbnail(product) {
  const src = webAddress(product.image);
  const frame = element("span", { class: "thumb" });
  frame.append(src ? loadedImage(src, "", () => frame.replaceChildren(icon("bag"))) : icon("bag"));
  return frame;
}

function picture(address, locale) {
  const src = webAddress(address);
  if (!src) return null;
  const frame = link(src, { class: "picture" });
  frame.append(loadedImage(src, locale.texts.picture, () => frame.replaceChildren(locale.texts.picture)));
  return frame;
}

function loadedImage(src, alt, onError) {
  return element("img", { src, alt, loading: "lazy", referrerpolicy: "no-referrer", error: onError });
}

function attached(attachment, locale) {
  const data = typeof attachment === "string" ? { url: attachment } : attachment;
  const payload = data.payload || {};
  const href = webAddress(data.url || payload.url || payload.src);
  const name = String(data.name || payload.title || data.title || locale.texts.attachment);
  if (!href) return element("p", { class: "bubble", dir: "auto" }, name);
  return link(href, { class: "file" }, icon("file"), name);
}
