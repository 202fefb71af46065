/* Elements from plain values. Text goes in as text: nothing here ever parses HTML. */

/* `name` is a tag and its classes, as in a style sheet; functions among the attributes listen to events. */
export function element(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value || value === "") node.setAttribute(key, value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

export function button(name, attributes, ...children) {
  return element(`button.${name}`, { type: "button", ...attributes }, ...children);
}

const PATHS = {
  chat: "M12 4a9 7.5 0 1 1-3.6 14.3L4 20l1.2-4.2A9 7.5 0 0 1 12 4Z",
  close: "M6 6l12 12M18 6L6 18",
  down: "M5 9l7 7 7-7",
  send: "M5 12h13m0 0l-5.5-5.5M18 12l-5.5 5.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.6-3.6 3.7-5.5 7.5-5.5s6.9 1.9 7.5 5.5",
  spark: "M12 3q1.2 7.8 9 9-7.8 1.2-9 9-1.2-7.8-9-9 7.8-1.2 9-9Z",
  star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8Z",
  file: "M7 3.5h7l4 4v13H7v-17Zm7 0v4h4",
  clip: "M8 12.5l6-6a3 3 0 0 1 4.3 4.3l-7.6 7.6a5 5 0 0 1-7.1-7.1l7.6-7.6",
  bag: "M5.5 8h13l1 12.5h-15L5.5 8ZM9 8V6.5a3 3 0 0 1 6 0V8",
};

export function icon(name) {
  const make = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  return make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" }, make("path", { d: PATHS[name] }));
}

/* A link only if it leads to the web: a payload like javascript: is no address. */
export function webAddress(value) {
  try {
    const { protocol, href } = new URL(typeof value === "string" ? value : "", document.baseURI);
    return value && /^https?:$/.test(protocol) ? href : null;
  } catch {
    return null;
  }
}

export function link(name, href, ...children) {
  return element(name, { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/* Text with its web addresses as links. */
export function linked(text) {
  const parts = String(text).split(/(https?:\/\/[^\s<>"'，。！？、）]+[^\s<>"'，。！？、）.,;:!?)])/);
  return parts.map((part, at) => {
    const href = at % 2 ? webAddress(part) : null;
    return href ? link("a", href, part) : part;
  });
}
