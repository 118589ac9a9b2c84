// Shows the next windows while the form is filled in, and only the fields that matter.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.getElementById("series-preview");
  if (!preview) return;
  const form = preview.closest("form");
  const value = (name) => form.elements[name]?.value;
  const row = (name) => form.querySelector(`.field-${name}`);
  const box = (name) => form.elements[name]?.closest(".fieldBox, .form-row");

  function showWhatMatters() {
    const unit = value("unit");
    const hide = (element, hidden) => { if (element) element.hidden = hidden; };
    hide(row("weekdays"), unit !== "WEEKLY");
    hide(row("monthly"), unit !== "MONTHLY");
    hide(row("rule"), unit !== "rule");
    hide(row("until"), unit === "rule");
    hide(box("every"), unit === "rule");
    for (const name of ["nth", "nth_weekday"]) hide(box(name), value("monthly") !== "weekday");
  }

  let timer, asked = 0;
  async function show() {
    const question = ++asked;
    const answer = await fetch(preview.dataset.url, { method: "POST", body: new FormData(form) });
    const text = await answer.text();
    // Answers may overtake one another.
    if (answer.ok && question === asked) preview.innerHTML = text;
  }

  function changed() {
    showWhatMatters();
    clearTimeout(timer);
    timer = setTimeout(() => show().catch(() => {}), 250);
  }

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  // The admin's calendar and clock set values without an event.
  form.addEventListener("click", changed);
  changed();
});
