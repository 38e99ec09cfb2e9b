"use strict";
// The page is whole without this: it adds a filter, folds and unfolds, and opens what a link or a printer wants.
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
    target.scrollIntoView();
    if (target.tabIndex >= 0 || target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  open();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details.paper:not([open])");
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });

  const fold = (state) => () => {
    for (const one of all("main details")) one.open = state;
  };
  document.getElementById("unfold").addEventListener("click", fold(true));
  document.getElementById("fold").addEventListener("click", fold(false));

  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const rows = all("main [data-name]:not(article)");
  const kernels = all("article.judged");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    const fits = (one) => words.every((word) => one.dataset.name.toLowerCase().includes(word));
    for (const one of rows) one.hidden = !fits(one);
    for (const one of kernels) one.hidden = !one.querySelector(".abi:not([hidden])");
    const left = rows.filter((one) => one.matches(".matrix tr") && !one.hidden).length;
    shown.textContent = filter.value ? `${left} shown` : "";
  });
  document.getElementById("tools").hidden = false;
})();
