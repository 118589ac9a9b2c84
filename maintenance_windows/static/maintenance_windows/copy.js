// Copies an address that is shown once. Without this the person selects and copies it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch { // not allowed, or a page without TLS, which has no such clipboard
        if (!document.execCommand("copy")) return;
      }
      button.textContent = button.dataset.copied;
    });
    field.addEventListener("focus", () => field.select());
  }
});
