/* The demo shop's page: its language, what to try, and the settings of the widget on it. */
(() => {
  "use strict";
  const KEY = "lumen:locale";
  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  let locale = remembered() || ((navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en");

  window.frontdeskSettings = {
    title: "Lumen & Co",
    accent: "#0b4f4a",
    locale,
    greeting: {
      en: "Welcome to Lumen & Co! I am the automated assistant. I can follow an order, open a ticket, arrange a return or recommend something.",
      zh: "欢迎来到 Lumen & Co！我是自动助理，可以为您查询订单、登记问题、办理退货或推荐商品。",
    },
    suggestions: {
      en: [
        { title: "Where is my order?" },
        { title: "Return something" },
        { title: "Recommend a product" },
      ],
      zh: [{ title: "我的订单到哪里了？" }, { title: "我要退货" }, { title: "推荐一款商品" }],
    },
  };

  const setLocale = (wanted) => {
    locale = wanted;
    document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
    document.title = wanted === "zh" ? "Lumen & Co · 客户服务" : "Lumen & Co · Customer service";
    for (const button of document.querySelectorAll("[data-locale]")) {
      button.setAttribute("aria-pressed", String(button.dataset.locale === wanted));
    }
  };
  setLocale(locale);

  document.addEventListener("DOMContentLoaded", () => {
    setLocale(locale);
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || !window.frontdesk) return;
      if (button.dataset.locale) {
        setLocale(button.dataset.locale);
        window.frontdesk.setLocale(button.dataset.locale);
        try {
          localStorage.setItem(KEY, button.dataset.locale);
        } catch {
          /* Then it is asked again at the next visit. */
        }
      } else if (button.dataset.say) {
        window.frontdesk.send(button.dataset.say);
      } else if ("open" in button.dataset) {
        window.frontdesk.open();
      }
    });
  });
})();
