// On a phone the photos are below the query while that is unfolded: meanwhile a strip at the lower edge of the screen
// shows the first of them, as they change at each stroke, and leads to them.

const FIRST = 5;
const HEIGHT = 60; // px of the strip
const grid = () => document.querySelector(".st-key-answers .xmr-photos");

export default function ({ parentElement, data }) {
  const strip = parentElement.querySelector(".xmr-peek");
  strip.ariaLabel = data.label;
  strip.onclick = () => grid()?.scrollIntoView();
  if (!strip.ended) follow(strip);
  return () => {
    if (!parentElement.isConnected) strip.ended.abort();
  };
}

function follow(strip) {
  strip.ended = new AbortController();
  let asked = 0;
  const soon = () => (asked ||= requestAnimationFrame(() => (asked = 0, show(strip))));
  const watch = new MutationObserver(soon);
  watch.observe(document.querySelector(".stMain"), { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
  watch.observe(document.documentElement, { attributeFilter: ["class"] }); // the query is folded and unfolded
  strip.ended.signal.addEventListener("abort", () => watch.disconnect());
  for (const kind of ["scroll", "resize"]) window.addEventListener(kind, soon, { capture: true, signal: strip.ended.signal });
  soon();
}

function show(strip) {
  const photos = [...(grid()?.querySelectorAll("li:not([hidden]) img") ?? [])].slice(0, FIRST);
  const above = innerHeight - HEIGHT, pad = document.querySelector(".st-key-sketchpad")?.firstElementChild.getBoundingClientRect();
  const drawnOn = pad && pad.top < innerHeight && pad.bottom > above; // no finger that draws shall meet the strip
  strip.hidden = !photos.length || drawnOn || photos[0].getBoundingClientRect().top < above;
  while (strip.children.length > photos.length) strip.lastElementChild.remove();
  while (strip.children.length < photos.length) strip.append(Object.assign(new Image(), { alt: "" }));
  photos.forEach(({ src }, at) => strip.children[at].src === src || (strip.children[at].src = src));
}
