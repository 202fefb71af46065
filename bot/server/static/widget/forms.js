/* Forms that take the place of the conversation: questions before it, a rating, a message when nobody is there. */

import { button, element, icon, localised } from "./main.js";

const KINDS = {
  name: { autocomplete: "name" },
  email: { autocomplete: "email", type: "email" },
  phone: { autocomplete: "tel", type: "tel" },
};

/* Questions before the first message; the answers go with it. */
export function preChat(panel) {
  const { texts, tag } = panel.locale;
  const fields = panel.settings.preChat.map((given) => {
    const field = given.name ? given : { name: given, required: true };
    return { ...KINDS[field.name], ...field, label: localised(field.label, tag) || texts[field.name] };
  });
  return form(panel, { title: texts.before, fields, act: texts.start, submit: (answers) => panel.answered(answers) });
}

/* A message for later, where nobody can answer now. */
export function leave(panel) {
  const { texts } = panel.locale;
  const { opens_at } = panel.standing;
  const known = { ...panel.memory.get().answers, ...panel.chat.customer };
  const fields = [
    { name: "name", value: known.name },
    { name: "email", value: known.email, required: true },
    { name: "text", type: "textarea", required: true, maxlength: 10_000 },
  ].map((field) => ({ label: texts[field.name], ...KINDS[field.name], ...field }));
  const lead = opens_at ? texts.until(panel.locale.moment(new Date(opens_at * 1000))) : texts.nobody;
  return form(panel, { title: texts.away, lead, fields, hasBack: true, submit: async (answers) =>
    texts.noted(await panel.chat.request({ type: "left_message", ...answers })) });
}

/* How satisfied the customer is. */
export function survey(panel) {
  const { texts } = panel.locale;
  const fields = [{ name: "rating", type: "rating" }, { name: "comment", type: "textarea", label: texts.comment }];
  return form(panel, { title: texts.how, fields, hasBack: true, submit: async ({ rating, comment }) => {
    await panel.chat.request({ type: "rating", rating: Number(rating), comment });
    return texts.thanks;
  } });
}

/* A form; what `submit` resolves to is said in its place. */
function form(panel, { title, lead, fields, act, submit, hasBack }) {
  const { texts } = panel.locale;
  const alert = element("p.alert", { role: "alert", hidden: true });
  const sender = element("button.act", {}, act || texts.send);
  const back = hasBack && button("choice", { click: () => panel.turnTo() }, texts.back);
  const sent = async (event) => {
    event.preventDefault();
    if (!isComplete(node, texts)) return;
    alert.hidden = sender.disabled = true;
    const given = [...new FormData(node)].map(([name, value]) => [name, value.trim()]);
    try {
      const said = await submit(Object.fromEntries(given.filter(([, value]) => value)));
      if (said) {
        node.replaceChildren(element("p", { role: "status" }, said), back);
        back.focus();
      }
    } catch {
      alert.textContent = texts.error;
      alert.hidden = sender.disabled = false;
    }
  };
  const node = element("form.form", { novalidate: true, submit: sent },
    element("h3", {}, title), lead && element("p", {}, lead),
    ...fields.map((field) => (field.type === "rating" ? stars(title, texts) : row(field, texts))),
    alert, element("p.ends", {}, sender, back));
  return node;
}

function row({ label, value, options = [], required, type, ...more }, texts) {
  const tag = options.length ? "select" : type === "textarea" ? type : "input";
  const { name } = more;
  const input = element(`${tag}.field`, {
    id: name, required, dir: "auto", maxlength: 500, type: tag === "input" && type, "aria-describedby": `e-${name}`, ...more,
  }, ...options.map((option) => element("option", {}, option)));
  if (value) input.value = value;
  return element("div", {}, element("label", { for: name }, label, !required && ` (${texts.optional})`),
    input, element("span.wrong", { id: `e-${name}` }));
}

function stars(title, texts) {
  const star = (value) => element("label", {},
    element("input", { type: "radio", name: "rating", value, required: true, "aria-label": `${value} / 5` }), icon("star"));
  return element("fieldset", {}, element("legend.sr", {}, title),
    element("div.stars", {}, ...[1, 2, 3, 4, 5].map(star)),
    element("p.scale", { "aria-hidden": "true" }, element("span", {}, texts.bad), element("span", {}, texts.good)),
    element("span.wrong", { role: "alert" }));
}

/* Say what is missing where it is missing, and go to the first such place. */
function isComplete(node, texts) {
  const wrong = [...node.elements].filter((input) => {
    const { valueMissing, valid } = input.validity;
    const says = input.closest(".form > *").querySelector(".wrong");
    if (says) {
      says.textContent = valid ? "" : valueMissing ? texts.needed : texts.wrong;
      input.setAttribute("aria-invalid", !valid);
    }
    return !valid;
  });
  wrong[0]?.focus();
  return !wrong.length;
}
