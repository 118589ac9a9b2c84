// Says what a bar is, and plans a window where the free space was clicked.
"use strict";
(() => {
  const board = document.getElementById("maintenance-board");
  if (!board) return;
  const details = board.querySelector(".details");
  const show = (event) => {
    const bar = event.target.closest(".bar");
    if (bar) details.textContent = bar.getAttribute("aria-label");
  };
  board.addEventListener("focusin", show);
  board.addEventListener("pointerover", show);

  const HALF_HOUR = 30 * 60 * 1000;
  board.addEventListener("click", (event) => {
    const free = event.target.closest(".free");
    if (!free || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const box = free.closest("svg").getBoundingClientRect();
    const [start, end] = [Date.parse(board.dataset.start), Date.parse(board.dataset.end)];
    let share = (event.clientX - box.left) / box.width;
    if ("mirrored" in board.dataset) share = 1 - share;
    const moment = Math.floor((start + share * (end - start)) / HALF_HOUR) * HALF_HOUR;
    if (moment < Date.now()) return; // the past is not planned: the form opens without a time
    const address = new URL(free.getAttribute("href"), location.href);
    address.searchParams.set("starts_at", new Date(moment).toISOString());
    event.preventDefault();
    location.assign(address);
  });
})();
