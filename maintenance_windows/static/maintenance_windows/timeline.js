// Says what a bar is beside it, and plans a window where free space is clicked or dragged over.
"use strict";
(() => {
// Brings a timeline to life until `signal` is aborted; returns whether somebody is at work in it.
function begin(timeline, signal) {
  const { start, end, zone, step, mirrored } = timeline.dataset;
  const [from, to, snap] = [Date.parse(start), Date.parse(end), Number(step) * 60 * 1000];
  const onTouch = (event) => event.pointerType === "touch";
  const rtl = mirrored !== undefined;

  // The popover

  const popover = timeline.querySelector(".mw-popover");
  let shown = null, timer;

  function fill(bar) {
    const { title, when, what, who, status, id } = bar.dataset;
    const put = (name, text) => {
      const place = popover.querySelector(name);
      place.textContent = text;
      place.hidden = !text;
    };
    put("strong", title || popover.dataset.none);
    put(".where", bar.closest(".lane").querySelector(".site").textContent);
    put(".when", when);
    put(".what", what);
    put(".who", who && popover.dataset.by.replace("%s", () => who));
    const page = new URL(bar.getAttribute("href"), location.href);
    popover.querySelector(".open").href = page;
    popover.querySelector("form").action = new URL("../verb/", page);
    const again = popover.querySelector(".again");
    if (again) again.search = `?like=${id}`;
    for (const button of popover.querySelectorAll("[data-for]")) {
      button.hidden = button.dataset.for !== status;
    }
  }

  function show(bar) {
    clearTimeout(timer);
    if (!popover?.showPopover || shown === bar) return;
    fill(bar);
    if (!shown) popover.showPopover();
    shown = bar;
    settle(bar);
  }

  function settle(bar) {
    const [box, size] = [bar.querySelector(".body").getBoundingClientRect(), popover.getBoundingClientRect()];
    const lane = bar.closest("svg").getBoundingClientRect();
    const middle = Math.min(Math.max(box.left + box.width / 2, lane.left), lane.right);
    const left = Math.min(middle - 24, document.documentElement.clientWidth - size.width - 8);
    const below = box.bottom + 6 + size.height < document.documentElement.clientHeight;
    popover.style.left = `${Math.max(8, left)}px`;
    popover.style.top = `${below ? box.bottom + 6 : Math.max(8, box.top - size.height - 6)}px`;
  }

  function hide() {
    clearTimeout(timer);
    if (!shown) return;
    popover.hidePopover();
    shown = null;
  }

  const later = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
  for (const bar of timeline.querySelectorAll(".bar")) {
    if (popover?.showPopover) bar.querySelector("title").remove();
    bar.addEventListener("pointerenter", (event) => onTouch(event) || later(() => show(bar), 120));
    bar.addEventListener("pointerleave", (event) => onTouch(event) || later(hide, 300));
    bar.addEventListener("focus", () => bar.matches(":focus-visible") && show(bar));
    bar.addEventListener("blur", (event) => popover?.contains(event.relatedTarget) || later(hide, 50));
  }
  popover?.addEventListener("pointerenter", () => clearTimeout(timer));
  popover?.addEventListener("pointerleave", (event) => onTouch(event) || later(hide, 300));
  popover?.addEventListener("focusin", () => clearTimeout(timer));
  popover?.addEventListener("focusout", (event) => popover.contains(event.relatedTarget) || later(hide, 50));
  document.addEventListener("scroll", (event) => {
    if (!shown || popover.contains(event.target)) return;
    if (shown === document.activeElement || popover.contains(document.activeElement)) settle(shown);
    else hide();
  }, { capture: true, signal });

  // A first tap shows what a bar is; its page is one of the buttons.
  let touched = false;
  document.addEventListener("pointerdown", (event) => {
    touched = onTouch(event);
    if (!event.target.closest(".mw-popover, .bar")) hide();
  }, { capture: true, signal });
  timeline.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (!bar || !touched || !popover?.showPopover) return;
    event.preventDefault();
    show(bar);
  });

  // The keyboard: Tab reaches one thing of the lanes, arrows move, and Tab goes on into the popover.

  const rows = [...timeline.querySelectorAll(".lane")]
    .map((lane) => [...lane.querySelectorAll(".plan, .bar, .count")]).filter((row) => row.length);
  for (const one of rows.flat()) one.setAttribute("tabindex", "-1");
  const rove = (to) => {
    for (const one of timeline.querySelectorAll(".lane [tabindex='0']")) one.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
  };
  if (rows.length) rove(rows[0][0]);
  const middle = (one) => {
    const box = (one.querySelector(".body") ?? one).getBoundingClientRect();
    return box.left + box.width / 2;
  };
  const byPlace = (row) => row.toSorted((one, other) => (middle(one) - middle(other)) * (rtl ? -1 : 1));

  function neighbour(one, key) {
    const number = rows.findIndex((row) => row.includes(one));
    const row = byPlace(rows[number]);
    const forth = rtl ? "ArrowLeft" : "ArrowRight", back = rtl ? "ArrowRight" : "ArrowLeft";
    if (key === forth) return row[row.indexOf(one) + 1];
    if (key === back) return row[row.indexOf(one) - 1];
    if (key === "Home") return row[0];
    if (key === "End") return row.at(-1);
    const next = rows[number + (key === "ArrowDown") - (key === "ArrowUp")];
    if (!next || !["ArrowDown", "ArrowUp"].includes(key)) return null;
    const far = (other) => Math.abs(middle(other) - middle(one));
    return next.toSorted((other, another) => far(other) - far(another))[0];
  }

  timeline.querySelector(".lanes")?.addEventListener("focusin", (event) => {
    const one = event.target.closest(".plan, .bar, .count");
    if (one) rove(one);
  });
  timeline.addEventListener("keydown", (event) => {
    const one = event.target.closest(".lane :is(.plan, .bar, .count)");
    const actions = popover && [...popover.querySelectorAll(":is(a, button):not([hidden])")];
    if (one && event.key === "Tab" && !event.shiftKey && shown === one) {
      event.preventDefault();
      actions[0].focus();
    } else if (event.key === "Tab" && event.shiftKey && shown && event.target === actions?.[0]) {
      event.preventDefault();
      shown.focus();
    } else if (one && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const next = neighbour(one, event.key);
      if (!next) return;
      event.preventDefault();
      next.focus();
    }
  });

  // Free space: a click gives the start, a drag start and end. The past is not planned.

  let format;
  const parts = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const language = document.documentElement.lang || undefined;
  try {
    format = new Intl.DateTimeFormat(language, { ...parts, timeZone: zone });
  } catch {
    format = new Intl.DateTimeFormat(language, { ...parts, timeZone: "UTC", timeZoneName: "short" });
  }
  const ghost = document.createElement("div");
  ghost.className = "ghost";
  ghost.append(document.createElement("span"));
  let drag = null, dragged = false;

  const at = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return from + (rtl ? 1 - share : share) * (to - from);
  };
  const down = (moment) => from + Math.floor((moment - from) / snap) * snap;
  const next = () => from + Math.ceil((Date.now() - from) / snap) * snap;

  // What a pointer means that went from one moment to another; null in the past.
  function meant(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const starts = Math.max(down(first), next());
    const ends = Math.max(down(last) + snap, starts + snap);
    return down(last) < next() ? null : { starts, ends };
  }

  function draw(svg, { starts, ends }, isSpan) {
    const lane = svg.closest(".lane");
    const [box, outer] = [svg.getBoundingClientRect(), lane.getBoundingClientRect()];
    const share = (moment) => Math.min((moment - from) / (to - from), 1) * box.width;
    const [left, right] = rtl ? [box.width - share(ends), box.width - share(starts)] : [share(starts), share(ends)];
    ghost.style.left = `${box.left - outer.left + left}px`;
    ghost.style.width = `${right - left}px`;
    const words = format.formatToParts(starts).map((part) => part.value).join("");
    const clock = format.formatToParts(ends).filter((part) => /hour|minute/.test(part.type)).map((part) => part.value);
    const day = (moment) => format.formatToParts(moment).find((part) => part.type === "weekday").value;
    const until = day(starts) === day(ends) && ends - starts < 864e5 ? clock.join(":") : format.format(ends);
    const frozen = [...lane.querySelectorAll("g.freeze")]
      .find(({ dataset }) => Date.parse(dataset.start) < ends && starts < Date.parse(dataset.end));
    const text = isSpan ? `${words}–${until}` : words;
    ghost.firstChild.textContent = frozen ? `${text} · ${frozen.dataset.note}` : text;
    ghost.classList.toggle("at-end", share(starts) > box.width * 0.7);
    if (ghost.parentElement !== lane) lane.append(ghost);
  }

  const stop = () => {
    drag = null;
    ghost.remove();
  };

  function go(free, times) {
    const address = new URL(free.getAttribute("href"), location.href);
    for (const [name, moment] of Object.entries(times)) {
      address.searchParams.set(name, new Date(moment).toISOString());
    }
    location.assign(address);
  }

  for (const free of timeline.querySelectorAll(".free")) {
    const svg = free.closest("svg");
    free.addEventListener("dragstart", (event) => event.preventDefault());
    free.addEventListener("pointerdown", (event) => {
      dragged = false;
      if (event.button || onTouch(event) || event.ctrlKey || event.metaKey || event.shiftKey) return;
      drag = { from: at(svg, event), x: event.clientX };
      free.setPointerCapture(event.pointerId);
    });
    free.addEventListener("pointermove", (event) => {
      if (onTouch(event)) return;
      if (drag && Math.abs(event.clientX - drag.x) > 4) dragged = true;
      if (dragged && !drag) return; // Esc was pressed
      const here = at(svg, event);
      const times = meant(drag && dragged ? drag.from : here, here);
      if (times) draw(svg, times, Boolean(drag && dragged));
      else ghost.remove();
    });
    free.addEventListener("pointerleave", () => drag || ghost.remove());
    free.addEventListener("pointercancel", stop);
    free.addEventListener("pointerup", (event) => {
      const times = drag && dragged && meant(drag.from, at(svg, event));
      stop();
      if (times) go(free, { starts_at: times.starts, ends_at: times.ends });
    });
    free.addEventListener("click", (event) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const times = !dragged && meant(at(svg, event), at(svg, event));
      if (times) go(free, { starts_at: times.starts });
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    stop();
    if (popover?.contains(document.activeElement)) shown?.focus();
    hide();
  }, { signal });
  window.addEventListener("pageshow", stop, { signal }); // back from the form

  // The line of now moves on while the page is open.
  const now = timeline.querySelector("svg.now");
  if (now) {
    const moving = setInterval(() => {
      const share = Math.min((Date.now() - from) / (to - from), 1) * 100;
      const place = `${rtl ? 100 - share : share}%`;
      for (const name of ["x1", "x2"]) now.querySelector("line").setAttribute(name, place);
      now.querySelector("circle").setAttribute("cx", place);
    }, 60 * 1000);
    signal.addEventListener("abort", () => clearInterval(moving));
  }

  return () => Boolean(shown || drag || timeline.contains(document.activeElement));
}

let timeline = document.querySelector(".mw-timeline");
if (!timeline) return;
let ending = new AbortController();
let isBusy = begin(timeline, ending.signal);

// The page renews itself in place: the timeline with it, where it was scrolled to.
document.getElementById("maintenance-board")?.addEventListener("renewed", ({ detail }) => {
  const found = detail.querySelector(".mw-timeline");
  if (!found || isBusy()) return;
  ending.abort();
  ending = new AbortController();
  const scrolled = timeline.querySelector(".scroll")?.scrollLeft;
  timeline.replaceWith(document.adoptNode(found));
  timeline = found;
  if (scrolled) timeline.querySelector(".scroll").scrollLeft = scrolled;
  isBusy = begin(timeline, ending.signal);
});
})();
