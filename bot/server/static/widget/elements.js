/* Elements from plain values. Text goes in as text: nothing here ever parses HTML. */

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const PATHS = {
  chat: "M12 3.5c-5 0-9 3.4-9 7.7 0 2.4 1.3 4.6 3.3 6 0 1-.4 2.2-1.3 3.3 1.9-.1 3.6-.8 4.9-1.8.7.1 1.4.2 2.1.2 5 0 9-3.4 9-7.7s-4-7.7-9-7.7Z",
  close: "M6 6l12 12M18 6L6 18",
  down: "M5.5 9l6.5 6.5 6.5-6.5",
  send: "M5 12h13m0 0l-5.5-5.5M18 12l-5.5 5.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.6-3.6 3.7-5.5 7.5-5.5s6.9 1.9 7.5 5.5",
  spark: "M12 3.5l1.9 5.1a2.5 2.5 0 0 0 1.5 1.5l5.1 1.9-5.1 1.9a2.5 2.5 0 0 0-1.5 1.5L12 20.5l-1.9-5.1a2.5 2.5 0 0 0-1.5-1.5L3.5 12l5.1-1.9a2.5 2.5 0 0 0 1.5-1.5L12 3.5Z",
  file: "M7 3.5h7l4 4v13H7v-17Zm7 0v4h4",
  bag: "M5.5 8h13l1 12.5h-15L5.5 8ZM9 8V6.5a3 3 0 0 1 6 0V8",
};

export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const path = document.createElementNS(namespace, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/* A link only if it leads to the web: a payload like javascript: is no address. */
export function webAddress(value) {
  if (typeof value !== "string") return null;
  try {
    const url = new URL(value, document.baseURI);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(href, attributes, ...children) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children);
}

/* Text with its web addresses as links. */
export function linked(text) {
  const parts = String(text).split(/(https?:\/\/[^\s<>"'，。！？、）]+[^\s<>"'，。！？、）.,;:!?)])/);
  return parts.map((part, at) => {
    const href = at % 2 ? webAddress(part) : null;
    return href ? link(href, {}, part) : part;
  });
}
