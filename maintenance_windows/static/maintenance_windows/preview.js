// Shows what the form asks for while it is filled in.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.querySelector(".form-preview[data-url]");
  if (!preview) return;
  const form = preview.closest("form");

  let timer, asked = 0, shown = "";
  async function show() {
    const data = new URLSearchParams(new FormData(form));
    if (data.toString() === shown) return;
    shown = data.toString();
    const question = ++asked;
    const said = await fetch(preview.dataset.url, {
      method: "POST", body: data, headers: { "X-Requested-With": "fetch" }, redirect: "error",
    }).then((answer) => (answer.ok ? answer.text() : null)).catch(() => null);
    if (question !== asked) return; // answers may overtake one another
    if (said === null) {
      preview.textContent = preview.dataset.lost;
      shown = "";
    } else {
      preview.innerHTML = said;
    }
  }

  function changed() {
    clearTimeout(timer);
    timer = setTimeout(show, 250);
  }

  // What the search for sites finds is told to jQuery alone. The admin's calendar and its clock tell
  // nobody, but bring the focus back.
  const jQuery = window.django?.jQuery;
  jQuery?.(form).on("change", changed);
  for (const name of ["input", "change", "focusin"]) form.addEventListener(name, changed);
  window.addEventListener("pageshow", changed); // the browser may have filled in what was there

  // The search for one site has no name while it is empty. jQuery has made
  // it by then.
  jQuery?.(() => {
    const label = form.querySelector("label[for=id_site]");
    const site = form.elements.namedItem("site");
    const search = site?.parentElement?.querySelector(".select2-selection");
    if (!label || !search) return;
    label.id = "id_site_label";
    const chosen = search.querySelector("[role=textbox]");
    chosen.setAttribute("aria-labelledby", label.id);
    search.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
  });
});
