// Names the chosen zone beside each time, and sets a length by a button.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("id_zone")?.closest("form");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name); // `length` alone is how many there are

  function nameZone() {
    for (const name of form.querySelectorAll(".datetime .zone")) {
      name.textContent = field("zone").value;
    }
  }
  field("zone").addEventListener("change", nameZone);
  window.addEventListener("pageshow", nameZone); // the browser may have filled in what was there

  // The admin's search for sites has no label of its own, and the page starts with the focus on what
  // it hides. Both need the admin's jQuery, which has made the search by then.
  window.django?.jQuery?.(() => {
    const sites = field("sites");
    const label = form.querySelector("label[for=id_sites]");
    const search = sites.parentElement.querySelector(".select2-container [type=search]");
    if (!search) return;
    if (label) {
      label.id = "id_sites_label";
      search.setAttribute("aria-labelledby", label.id);
    }
    sites.addEventListener("focus", () => search.focus());
    if (document.activeElement === sites) search.focus();
  });

  const lengths = document.getElementById("window-lengths");
  if (!lengths) return;
  field("length").after(lengths);
  lengths.hidden = false;
  lengths.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    field("length").value = button.value;
    for (const name of ["ends_at_0", "ends_at_1"]) field(name).value = "";
    field("length").dispatchEvent(new Event("input", { bubbles: true }));
  });
});
