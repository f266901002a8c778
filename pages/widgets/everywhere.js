// What the whole page listens to: keys (/ to type, d to draw, Esc to clear all), files that are pasted or dropped
// anywhere, and a link over the query to the photos.

const YEAR = 365 * 24 * 3600;
const SENT = 500; // ms after which what was typed has been sent: a field waits half as long for the next key
const PATIENCE = 10000; // ms in which the inbox may appear
const FIELDS = "input:not([type=file], [type=radio], [type=checkbox], [type=range], [type=button]), textarea, select";

export default function ({ parentElement, data }) {
  if (data.chosen) document.cookie = `xmr_language=${data.chosen}; path=/; max-age=${YEAR}; samesite=lax`;
  document.documentElement.lang = data.language;
  document.documentElement.style.setProperty("--xmr-refusal", JSON.stringify(data.refusal));
  takeColours();
  const skip = parentElement.querySelector(".xmr-skip");
  skip.textContent = data.skip;
  skip.onclick = () => {
    const place = document.querySelector(".st-key-answers") ?? document.querySelector(".stMain");
    const first = place.querySelector(".xmr-photos button") ?? place;
    if (first === place) place.tabIndex = -1;
    first.focus();
    first.scrollIntoView({ block: "center" });
  };
  if (window.xmrEverywhere) return; // once and for all pages: whatever is looked for is looked for when it is needed
  window.xmrEverywhere = true;
  new MutationObserver(takeColours).observe(document.querySelector(".stApp"), { attributeFilter: ["class"] });
  document.addEventListener("keydown", key);
  document.addEventListener("input", () => { typed = performance.now(); }, true);
  document.addEventListener("click", afterWords, true);
  document.addEventListener("paste", (event) => {
    const typing = event.composedPath()[0].matches?.("input, textarea") && event.clipboardData.getData("text/plain");
    if (typing || !event.clipboardData.files.length) return;
    event.preventDefault();
    give(event.clipboardData.files);
  });
  document.addEventListener("dragover", (event) => {
    if ([...event.dataTransfer.types].includes("Files") && !uploader(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length || uploader(event)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    give(event.dataTransfer.files);
  });
}

// The theme's colours for frame.css, since Streamlit tells them to components only.
function takeColours() {
  const root = document.documentElement.style, app = document.querySelector(".stApp");
  const skip = document.querySelector(".xmr-skip");
  if (!skip) return;
  const accent = getComputedStyle(skip).getPropertyValue("--st-primary-color");
  root.setProperty("--xmr-paper", getComputedStyle(app).backgroundColor);
  root.setProperty("--xmr-accent", accent);
}

function key(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open], [role=dialog], [data-baseweb=popover], [data-testid=stTooltipContent]")) return;
  const words = document.querySelector(".st-key-words input"), at = event.composedPath()[0];
  const typing = at.isContentEditable || at.matches?.(FIELDS);
  if (event.key === "Escape") {
    if (typing) return at.value ? undefined : at.blur(); // the first one empties the field, as browsers do
    document.querySelector(".st-key-clear-all button:enabled")?.click();
  } else if (typing || !words) return;
  else if (event.key === "/") {
    event.preventDefault();
    words.focus();
    words.select();
  } else if (event.key === "d") {
    event.preventDefault();
    const fold = document.querySelector(".xmr-fold[aria-expanded=false]");
    if (fold?.offsetParent) fold.click();
    const pad = document.querySelector(".st-key-sketchpad");
    pad.tabIndex = -1;
    pad.focus({ preventScroll: true });
    pad.scrollIntoView({ block: "nearest" });
  }
}

// The link to the first page, which is Search.
const search = () => document.querySelector("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]");
const inbox = () => document.querySelector(".st-key-pictures input[type=file]");
const uploader = (event) => event.composedPath().some((one) => one.matches?.("[data-testid=stFileUploader]"));

// What was just typed goes first, then the click on another page: what Streamlit sends of this page after that click takes
// one back to it, and the words are lost.
let typed = -Infinity;

function afterWords(event) {
  const link = event.target.closest?.("a[data-testid$=NavLink]"), wait = typed + SENT - performance.now();
  if (!link || wait <= 0 || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  setTimeout(() => link.click(), wait);
}

// Files into the inbox of the query, on Search where this page has none; the server says which of them are no pictures.
function give(files) {
  const taken = new DataTransfer(); // what the event holds is gone after it
  for (const file of files) taken.items.add(file);
  document.querySelector("dialog[open]")?.close(); // a large photo would hide the answer
  if (!document.querySelector(".st-key-pictures")) search()?.click();
  deliver(taken.files, performance.now() + PATIENCE);
}

// The inbox is loaded after the rest of the page: who is quicker loses nothing.
function deliver(files, until) {
  const place = inbox();
  if (place) {
    place.files = files;
    place.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (performance.now() < until) setTimeout(deliver, 50, files, until);
}
