// Asks in a dialog what is unfolded without scripts, sends a form once, and renews the page in place.
"use strict";
(() => {
  const board = document.getElementById("maintenance-board");
  if (!board) return;
  const dialog = document.getElementById("mw-dialog");

  // A question in a dialog. The form goes there and comes back.

  let asked = null;
  board.addEventListener("click", (event) => {
    const summary = event.target.closest(".ask > summary");
    if (summary && dialog?.showModal) {
      event.preventDefault();
      asked = summary.parentElement;
      const form = asked.querySelector("form");
      form.querySelector(".cancel").hidden = false;
      dialog.setAttribute("aria-labelledby", form.getAttribute("aria-labelledby"));
      dialog.append(form);
      dialog.showModal();
    } else if (event.target.closest(".cancel")) {
      dialog.close();
    }
  });
  dialog?.addEventListener("close", () => {
    asked?.append(dialog.querySelector("form"));
    asked?.querySelector("summary").focus();
    asked = null;
  });
  board.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && !dialog?.open && event.target.closest(".more[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // A form is sent once, however often its button is pressed.

  let sent = false;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#maintenance-board form[method=post], #mw-undo")) return;
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
  });

  // Where one was: the site of the last action is marked, and later goes where it belongs.

  const marked = /^#site-\d+$/.test(location.hash) ? location.hash.slice(1) : null;
  const here = new URL(location);
  if (here.searchParams.has("kept")) {
    here.searchParams.delete("kept");
    history.replaceState(history.state, "", here);
  }

  // Renewal

  const { part, fresh, failed, waiting } = board.dataset;
  const age = board.querySelector(".age");
  if (!part || !age) return;
  const [EVERY, TICK] = [10_000, 1000];
  let [at, last, asking, works] = [Date.now(), Date.now(), false, true];
  // Nothing moves while somebody is about to press or type.
  const isBusy = () =>
    sent ||
    dialog?.open ||
    board.querySelector(".ask[open], .more[open], :is(button, summary, .mw-button):hover") ||
    document.activeElement?.matches("#maintenance-board :is(input, textarea, select)");

  function say() {
    const text = !works ? failed : isBusy() && Date.now() - at > 2 * EVERY ? waiting : fresh;
    const told = text.replace("%s", Math.round((Date.now() - at) / 1000));
    if (age.textContent !== told) age.textContent = told;
    age.classList.toggle("bad", !works);
  }

  function replace(page) {
    const focused = document.activeElement?.id;
    const had = focused && board.contains(document.activeElement);
    for (const old of board.querySelectorAll("[data-live]")) {
      const found = page.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!found) continue;
      for (const one of old.querySelectorAll("details[id]")) {
        const same = found.querySelector(`#${CSS.escape(one.id)}`);
        if (same) same.open = one.open;
      }
      if (marked) found.querySelector(`#${CSS.escape(marked)}`)?.classList.add("marked");
      old.replaceWith(document.adoptNode(found));
    }
    if (had) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  async function renew() {
    const address = new URL(part, location.href);
    address.search = here.search;
    address.searchParams.set("back", here.pathname + here.search);
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(EVERY) });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.getElementById("maintenance-board")) throw new Error("no overview");
      works = true;
      if (isBusy()) return; // meanwhile
      replace(page);
      at = Date.now();
      board.dispatchEvent(new CustomEvent("renewed", { detail: page }));
    } catch {
      works = false;
    }
  }

  setInterval(async () => {
    if (document.hidden) return;
    if (!asking && !isBusy() && Date.now() - last >= EVERY) {
      asking = true;
      await renew();
      [asking, last] = [false, Date.now()];
    }
    say();
  }, TICK);
  say();
})();
