// Offers the level and the message of a site that is up once the box that takes it down is checked.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("[data-enables]");
  if (!box) return;
  const fields = box.dataset.enables.split(" ").map((id) => document.getElementById(id));
  const offer = () => fields.forEach((field) => { field.disabled = !box.checked; });
  box.addEventListener("change", offer);
  window.addEventListener("pageshow", offer); // the browser may have checked the box again
});
