// What stands where it should not, on what lies on top: a dialog, a menu, or the page itself.
() => {
  const width = document.documentElement.clientWidth; // on a phone the inner width grows with what sticks out
  const root = [...document.querySelectorAll(".q-dialog, :popover-open")].at(-1) || document.body;
  const hidden = (style) => style.overflowX === "hidden" || style.overflowX === "clip";
  const abridged = (style) => style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none";
  const words = (node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
  const seen = (node) => node.checkVisibility({visibilityProperty: true}) && !node.closest("option")
    && !ancestors(node).some((one) => getComputedStyle(one).clipPath !== "none");
  const ancestors = (node) => node ? [node, ...ancestors(node.parentElement)] : [];
  const called = (node) => `<${node.tagName.toLowerCase()} class="${node.className}"> ${node.textContent.trim().slice(0, 40)}`;
  const found = [];
  if (document.documentElement.scrollWidth > width) found.push("the page is wider than the screen");
  for (const node of root.querySelectorAll("*")) {
    if (!words(node) || !seen(node)) continue;
    const box = node.getBoundingClientRect();
    for (const around of ancestors(node)) {
      const style = getComputedStyle(around);
      if (abridged(style) || /auto|scroll/.test(style.overflowX + style.overflowY) || around === document.body) break;
      const edge = around.getBoundingClientRect();
      const sticksOut = box.right > edge.right + 1 || box.left < edge.left - 1 || box.bottom > edge.bottom + 1;
      const isLonger = around === node && node.scrollWidth > node.clientWidth + 1;
      if (hidden(style) && (sticksOut || isLonger)) found.push("cut off: " + called(node));
    }
    const scrolls = ancestors(node).some((one) => /auto|scroll/.test(getComputedStyle(one).overflowX));
    if (!scrolls && (box.left < -1 || box.right > width + 1)) found.push("outside: " + called(node));
  }
  const frame = ".rail .nav, .top > *, .head > *, .bar > *, .deeds > *, .fields > *, .thread-head > *, .acts button,"
    + ".folder, .lane-tabs button, .conv-top > *, .row-top > *, .tile-foot > *, .filters > *";
  const parts = [...root.querySelectorAll(frame)].filter(seen).map((node) => [node, node.getBoundingClientRect()]);
  for (const [at, [one, a]] of parts.entries()) {
    for (const [other, b] of parts.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) found.push(`${called(one)} lies over ${called(other)}`);
    }
  }
  return [...new Set(found)];
}
