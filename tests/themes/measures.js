// What is wrong with our buttons and boxes on a page, one sentence each.
(touch) => {
  const found = [];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const name = (element) =>
    `${element.tagName.toLowerCase()} “${(element.textContent || element.name || element.className || "").trim().slice(0, 30)}”`;
  const transparent = (colour) => /^(transparent|rgba\(.*, 0\)|.* \/ 0\))$/.test(colour);
  const framed = (style) =>
    ["Top", "Right", "Bottom", "Left"].every(
      (side) =>
        parseFloat(style[`border${side}Width`]) > 0 &&
        style[`border${side}Style`] !== "none" &&
        !transparent(style[`border${side}Color`]),
    );

  // For a pointer the lanes of the timeline are dense, as in a calendar; fingers get more.
  const plan = touch ? ", .plan" : "";
  const buttons = [
    ...document.querySelectorAll(
      `#maintenance-board :is(button, summary, input[type=submit]${plan}), #window-lengths button, .form-preview button, .mw-page input[type=submit]`,
    ),
  ].filter(seen);
  for (const button of buttons) {
    const box = button.getBoundingClientRect();
    if (button.matches("button, input, .do summary, .plan") && !framed(getComputedStyle(button))) found.push(`${name(button)} has no border`);
    if (button.scrollWidth > button.clientWidth + 2) found.push(`${name(button)} is too narrow for its text`);
    if (box.height < 24) found.push(`${name(button)} is ${box.height} px high`);
    if (box.height >= 43.5) continue;
    if (touch) found.push(`${name(button)} is ${box.height} px high`);
    for (const other of buttons) {
      if (other === button) continue;
      const its = other.getBoundingClientRect();
      const across = Math.max(its.left - box.right, box.left - its.right);
      const down = Math.max(its.top - box.bottom, box.top - its.bottom);
      const apart = Math.max(across, down);
      if (apart < 24) found.push(`${name(button)} and ${name(other)} are ${Math.round(apart)} px apart`);
    }
  }

  const boxes = document.querySelectorAll(
    "#maintenance-board :is(input:not([type=checkbox], [type=radio], [type=submit]), select), " +
      ":is(#maintenancewindow_form, #windowseries_form, #sitemaintenance_form) " +
      ":is(input:not([type=checkbox], [type=hidden], [type=submit], .select2-search__field), select, textarea, .select2-selection)",
  );
  for (const box of boxes) {
    if (!seen(box) || box.matches(".select2-hidden-accessible")) continue;
    const style = getComputedStyle(box);
    if (!framed(style) && parseFloat(style.borderBottomWidth) === 0) found.push(`${name(box)} has no border`);
  }
  for (const region of document.querySelectorAll("#maintenance-board .scroll")) {
    if (!framed(getComputedStyle(region))) found.push("a region has no border");
  }
  for (const notice of document.querySelectorAll(".maintenance-notices li")) {
    if (!framed(getComputedStyle(notice))) found.push("a notice has no border");
  }
  for (const cell of document.querySelectorAll("#maintenance-board :is(th, td)")) {
    if (!seen(cell)) continue;
    const style = getComputedStyle(cell);
    if (parseFloat(style.paddingInlineEnd) < 4) found.push(`cell “${cell.textContent.trim().slice(0, 20)}” touches its neighbour`);
  }
  return [...new Set(found)];
}
