// Names the chosen zone beside each time and searches zones, and sets times by buttons.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("id_zone")?.closest("form");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name); // `length` alone is how many there are
  const jQuery = window.django?.jQuery;

  function nameZone() {
    for (const name of form.querySelectorAll(".datetime .zone")) {
      name.textContent = field("zone").value;
    }
  }
  field("zone").addEventListener("change", nameZone);
  jQuery?.(field("zone")).on("change", nameZone); // the search tells jQuery alone
  window.addEventListener("pageshow", nameZone); // the browser may have filled in what was there

  // "new york" finds America/New_York.
  const plain = (text) => text.toLowerCase().replace(/[_\s]+/g, " ").trim();
  if (jQuery?.fn.select2) {
    jQuery(field("zone")).select2({
      theme: "admin-autocomplete",
      width: "min(24em, 100%)",
      matcher: ({ term }, option) => (plain(option.text ?? "").includes(plain(term ?? "")) ? option : null),
    });
    jQuery(field("zone")).on("select2:open", () => {
      const search = document.querySelector(".select2-container--open .select2-search__field");
      search?.setAttribute("aria-label", form.querySelector("label[for=id_zone]")?.textContent ?? "");
      search?.focus();
    });
  }

  // The admin's search for sites has no label of its own, and the page starts with the focus on what
  // it hides. Both need the admin's jQuery, which has made the search by then.
  jQuery?.(() => {
    const sites = field("sites");
    if (!sites) return;
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

  function tell(name) {
    field(name).dispatchEvent(new Event("change", { bubbles: true }));
  }

  // The nights from now on in the chosen zone: the first is the one whose clock time comes next.
  function night(clock, later) {
    const parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: field("zone").value, hourCycle: "h23",
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }).formatToParts(new Date());
    const part = (type) => parts.find((one) => one.type === type).value;
    const passed = `${part("hour")}:${part("minute")}` >= clock;
    return new Date(Date.UTC(part("year"), part("month") - 1, Number(part("day")) + passed + later));
  }

  const starts = document.getElementById("window-starts");
  if (starts && field("starts_at_1")) {
    field("starts_at_1").closest(".datetime").append(starts);
    starts.hidden = false;
    const weekday = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
      timeZone: "UTC", weekday: "short",
    });
    for (const button of starts.children) {
      const day = document.createElement("small");
      button.append(day);
      const name = () => {
        try {
          day.textContent = weekday.format(night(button.dataset.clock, Number(button.dataset.night)));
        } catch {
          button.hidden = true; // a zone that this browser does not know
        }
      };
      name();
      field("zone").addEventListener("change", name);
      jQuery?.(field("zone")).on("change", name);
      button.addEventListener("click", () => {
        const when = night(button.dataset.clock, Number(button.dataset.night));
        field("starts_at_0").value = when.toISOString().slice(0, 10);
        field("starts_at_1").value = button.dataset.clock;
        tell("starts_at_1");
      });
    }
  }

  const lengths = document.getElementById("window-lengths");
  if (!lengths) return;
  field("length").after(lengths);
  lengths.hidden = false;
  lengths.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    field("length").value = button.value;
    for (const name of ["ends_at_0", "ends_at_1"]) field(name).value = "";
    tell("length");
  });
});
