// Shows only the fields that matter.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.getElementById("series-preview");
  if (!preview) return;
  const form = preview.closest("form");
  const value = (name) => form.elements[name]?.value;
  const row = (name) => form.querySelector(`.field-${name}`);
  const box = (name) => form.elements[name]?.closest(".fieldBox, .form-row");

  // What is hidden is not sent, or it would be refused where nobody sees it.
  function use(element, used) {
    if (!element) return;
    element.hidden = !used;
    for (const input of element.querySelectorAll("input, select")) {
      if (!input.name.startsWith("initial-")) input.disabled = !used;
    }
  }

  function useWhatMatters() {
    const unit = value("unit");
    use(row("weekdays"), unit === "WEEKLY");
    use(row("rule"), unit === "rule");
    use(row("until"), unit !== "rule");
    use(box("every"), unit !== "rule");
    use(row("monthly"), unit === "MONTHLY");
    const byWeekday = unit === "MONTHLY" && value("monthly") === "weekday";
    for (const name of ["nth", "nth_weekday"]) use(box(name), byWeekday);
  }

  form.addEventListener("input", useWhatMatters);
  form.addEventListener("change", useWhatMatters);
  window.addEventListener("pageshow", useWhatMatters); // the browser may have filled in what was there
});
