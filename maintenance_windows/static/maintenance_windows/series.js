// Shows only the fields that matter.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.getElementById("series-preview");
  if (!preview) return;
  const form = preview.closest("form");
  const value = (name) => form.elements[name]?.value;

  // The largest element around these fields that has no other field: a row of the form, or a part of
  // one, whatever the theme calls it.
  function around(...names) {
    const isOurs = (input) => names.includes(input.name.replace(/^initial-/, ""));
    const element = form.elements.namedItem(names[0]);
    let box = element?.length && !element.options ? element[0] : element;
    while (box && [...box.parentElement.querySelectorAll("[name]")].every(isOurs)) {
      box = box.parentElement;
    }
    return box;
  }

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
    const byWeekday = unit === "MONTHLY" && value("monthly") === "weekday";
    use(around("weekdays"), unit === "WEEKLY");
    use(around("rule"), unit === "rule");
    use(around("until"), unit !== "rule");
    use(around("every"), unit !== "rule");
    use(around("monthly", "nth", "nth_weekday", "days_after"), unit === "MONTHLY");
    for (const name of ["nth", "nth_weekday", "days_after"]) use(around(name), byWeekday);
  }

  form.addEventListener("input", useWhatMatters);
  form.addEventListener("change", useWhatMatters);
  window.addEventListener("pageshow", useWhatMatters); // the browser may have filled in what was there
});
