// Shows what the form asks for while it is filled in.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.querySelector(".form-preview[data-url]");
  if (!preview) return;
  const form = preview.closest("form");

  let timer, asked = 0, shown = "", typing = "";
  async function show() {
    const sent = new FormData(form);
    sent.delete("_skip");
    sent.set("_typing", typing);
    const data = new URLSearchParams(sent);
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
      const skip = document.activeElement?.name === "_skip" ? document.activeElement.value : "";
      preview.innerHTML = said;
      place();
      if (skip) preview.querySelector(`[name=_skip][value="${CSS.escape(skip)}"]`)?.focus();
    }
  }

  // What belongs beside a field: the readings of a time that has two, and the labels of a select.
  function place() {
    for (const part of preview.querySelectorAll("[data-place]")) {
      const box = document.getElementById(part.dataset.place);
      const focused = box?.contains(document.activeElement);
      if (box && !focused) box.replaceChildren(...part.childNodes);
      part.remove();
    }
    for (const list of preview.querySelectorAll("[data-labels]")) {
      const select = form.elements.namedItem(list.dataset.labels);
      for (const item of list.children) {
        const option = [...(select?.options ?? [])].find((one) => one.value === item.dataset.value);
        if (option && option.text !== item.textContent) option.text = item.textContent;
      }
      list.remove();
    }
  }

  function changed(event) {
    if (event?.target?.name === "_skip") return;
    typing = event?.type === "input" ? event.target.name ?? "" : "";
    clearTimeout(timer);
    timer = setTimeout(show, 250);
  }

  // A date that is skipped goes to the field of skipped dates.
  preview.addEventListener("change", (event) => {
    const { name, value, checked } = event.target;
    const field = form.elements.namedItem("excluded");
    if (name !== "_skip" || !field) return;
    const days = new Set(field.value.split(/[\s,]+/).filter(Boolean));
    if (checked) days.add(value);
    else days.delete(value);
    field.value = [...days].sort().join(", ");
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("submit", () => {
    for (const box of form.querySelectorAll("[name=_skip]")) box.disabled = true;
  });

  // What the search for sites finds is told to jQuery alone. The admin's calendar and its clock tell
  // nobody, but bring the focus back.
  const jQuery = window.django?.jQuery;
  jQuery?.(form).on("change", changed);
  for (const name of ["input", "change", "focusin"]) form.addEventListener(name, changed);
  window.addEventListener("pageshow", changed); // the browser may have filled in what was there

  // The search in a select has no name of its own. jQuery has made it by then.
  jQuery?.(() => {
    for (const name of ["site", "zone"]) {
      const label = form.querySelector(`label[for=id_${name}]`);
      const select = form.elements.namedItem(name);
      const search = select?.parentElement?.querySelector(".select2-selection");
      if (!label || !search) continue;
      label.id = `id_${name}_label`;
      const chosen = search.querySelector("[role=textbox]");
      chosen.setAttribute("aria-labelledby", label.id);
      search.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
    }
  });
});
