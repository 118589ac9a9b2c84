// Shows only the fields that matter.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".form-preview[data-url]")?.closest("form");
  if (!form?.elements.namedItem("unit")) return;
  const value = (name) => form.elements.namedItem(name)?.value;

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
  function use(element, used, onlyHide = false) {
    if (!element) return;
    element.hidden = !used;
    if (onlyHide) return;
    for (const input of element.querySelectorAll("input, select")) {
      if (!input.name.startsWith("initial-")) input.disabled = !used;
    }
  }

  // Where a window may repeat or not, only a custom rule has fields of its own.
  function useWhatMatters() {
    const repeats = value("repeats");
    const isOwn = repeats === undefined || repeats === "custom";
    const unit = isOwn ? value("unit") : "";
    const byWeekday = unit === "MONTHLY" && value("monthly") === "weekday";
    use(around("unit"), isOwn);
    use(around("weekdays"), unit === "WEEKLY");
    use(around("rule"), unit === "rule");
    use(around("until"), repeats !== "" && unit !== "rule");
    use(around("excluded"), repeats !== "");
    use(around("override"), !repeats);
    use(around("every"), isOwn && unit !== "rule");
    use(around("every", "unit"), isOwn, true);
    use(around("monthly", "nth", "nth_weekday", "days_after"), unit === "MONTHLY");
    for (const name of ["nth", "nth_weekday", "days_after"]) use(around(name), byWeekday);
  }

  form.addEventListener("input", useWhatMatters);
  form.addEventListener("change", useWhatMatters);
  window.addEventListener("pageshow", useWhatMatters); // the browser may have filled in what was there
});
