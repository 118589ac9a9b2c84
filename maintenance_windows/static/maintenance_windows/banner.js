// The banner in the reader's time zone, closed for good if the reader likes, and kept up to date in
// pages that are open. On document, "maintenance:change" tells of each new state.
"use strict";
(() => {
  const root = document.querySelector(".maintenance-banners[data-status]");
  if (!root || root.dataset.watched) return;
  root.dataset.watched = "1";
  const text = root.dataset, MINUTE = 60000, KEPT = 20, STORE = "maintenance-banner";
  const lang = navigator.languages.find((one) => one.split("-")[0] === root.lang.split("-")[0]) || root.lang || undefined;
  const { hour12 } = new Intl.DateTimeFormat(lang, { hour: "numeric" }).resolvedOptions();
  const clock = { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit" };
  const day = { weekday: "long", day: "numeric", month: "long" };

  const closed = () => {
    try {
      return JSON.parse(localStorage.getItem(STORE)) || [];
    } catch {
      return []; // no storage, or somebody else's
    }
  };
  const key = (banner) => [banner.dataset.kind, banner.dataset.level, Date.parse(banner.dataset.start) || 0].join(" ");
  const close = (banner) => {
    try {
      localStorage.setItem(STORE, JSON.stringify([...closed(), key(banner)].slice(-KEPT)));
    } catch {} // closed in this page only
    banner.remove();
  };

  const moment = (at, other) => {
    const shows = at.toDateString() !== other.toDateString();
    return new Intl.DateTimeFormat(lang, { ...(shows && day), ...clock }).format(at);
  };
  const isolate = (part) => (getComputedStyle(root).direction === "rtl" ? `\u2068${part}\u2069` : part);
  const localise = (span) => {
    const now = new Date(), start = new Date(span.dataset.start || now), end = new Date(span.dataset.end);
    const parts = { "{start}": moment(start, now), "{end}": moment(end, span.dataset.start ? start : now) };
    // The zone is the reader's own.
    const sentence = text[span.dataset.text.replace(/-./g, (found) => found[1].toUpperCase())].replace(/\s*[（(]\{zone\}[)）]/, "");
    span.textContent = sentence.replace(/\{\w+\}/g, (name) => isolate(parts[name] ?? ""));
  };

  const prepare = (banner) => {
    if (closed().includes(key(banner))) return banner.remove();
    for (const span of banner.querySelectorAll("[data-text]")) localise(span);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", text.close);
    button.onclick = () => close(banner);
    banner.append(button);
  };

  const icon = () => {
    const namespace = "http://www.w3.org/2000/svg", svg = document.createElementNS(namespace, "svg");
    const path = document.createElementNS(namespace, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M12 3L1.5 21h21zM12 10v5M12 18v.1");
    svg.append(path);
    return svg;
  };

  const add = (kind, level, start, sentences, message) => {
    const banner = document.createElement("div"), line = document.createElement("p");
    const title = document.createElement("strong"), said = document.createElement("span");
    banner.className = "maintenance-banner";
    banner.setAttribute("role", "status");
    Object.assign(banner.dataset, { kind, level, start });
    title.textContent = text[kind === "now" ? level : "soon"];
    line.append(title);
    for (const data of sentences) {
      const span = document.createElement("span");
      if (data.end) Object.assign(span.dataset, data);
      else span.textContent = text[level === "full" ? "openFull" : "openRead_only"];
      line.append(" ", span);
    }
    said.dir = "auto";
    said.textContent = message;
    line.append(" ", said);
    if (text.page) {
      const link = document.createElement("a");
      link.href = text.page;
      link.textContent = text.details;
      line.append(" ", link);
    }
    banner.append(icon(), line);
    root.append(banner);
    prepare(banner);
  };

  const show = (state) => {
    if (text.css && !document.querySelector(`link[href="${CSS.escape(text.css)}"]`)) {
      const link = document.createElement("link");
      Object.assign(link, { rel: "stylesheet", href: text.css });
      document.head.append(link);
    }
    root.replaceChildren();
    const { level, announced } = state;
    if (state.in_maintenance) {
      const end = (level === "full" && state.full_until) || state.until;
      add("now", level, state.since || "", [{ text: `now-${level}`, end }], state.message);
    }
    if (announced) {
      const sentence = (level, start, end) => ({ text: `soon-${level}`, start, end });
      const sentences = [sentence(announced.level, announced.starts_at, announced.ends_at)];
      const outage = state.outages.find((one) => one.starts_at === announced.starts_at);
      const full = outage?.parts.find((part) => part.level === "full");
      if (full && announced.level !== "full") sentences.push(sentence("full", full.starts_at, full.ends_at));
      add("soon", announced.level, announced.starts_at, sentences, announced.message);
    }
  };

  let etag = "", known = "", due;
  const later = () => { due = Date.now() + MINUTE * (1 + Math.random() / 4); };
  const ask = async () => {
    later();
    try {
      const headers = { "Accept-Language": root.lang, ...(etag && { "If-None-Match": etag }) };
      const answer = await fetch(text.status, { headers, cache: "no-store" });
      if (answer.status !== 200) return;
      const state = await answer.json();
      etag = answer.headers.get("ETag") || "";
      const { at, retry_after, ...lasting } = state, said = JSON.stringify(lasting);
      if (said === known) return;
      known = said;
      show(state);
      document.dispatchEvent(new CustomEvent("maintenance:change", { detail: state }));
    } catch {} // no network, or not our answer
  };
  for (const banner of [...root.children]) prepare(banner);
  due = Date.now() + MINUTE * Math.random();
  setInterval(() => { if (Date.now() >= due && document.visibilityState === "visible") ask(); }, 1000);
})();
