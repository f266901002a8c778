// The toolbar of the canvas: undo, redo, clear and move, with shortcuts.
//
// The canvas is streamlit-drawable-canvas. It has a fixed size and, in its shadow DOM, a toolbar that appears on hover
// and whose bin cannot be undone. This component makes it as wide as its container (pointer positions stay correct at
// any scale) and replaces its toolbar. Undo and redo are steps of the server, so they survive when the canvas is rebuilt.

const FIT = new CSSStyleSheet();
FIT.replaceSync(`
  .dc-root {width: 100% !important}
  .dc-scroll {overflow: clip !important}
  .dc-container {width: 100% !important; height: auto !important; aspect-ratio: 1}
  .canvas-container, canvas {width: 100% !important; height: 100% !important; touch-action: none !important}
  .dc-toolbar {display: none !important}`);
const PAUSE = 50; // ms after a stroke without the next one until it is sent; the canvas itself would wait for 200
const UNHEARD = 300; // ms after a stroke until the server may have answered it
const mounted = new WeakMap();

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Tools(parentElement, data));
  const tools = mounted.get(parentElement);
  Object.assign(tools, { setStateValue, setTriggerValue });
  tools.show(data);
  return () => {
    if (parentElement.isConnected) return; // Streamlit also ends a run that a newer one overtook: that one goes on
    tools.ended.abort();
    mounted.delete(parentElement);
  };
}

class Tools {
  constructor(parent, data) {
    this.pad = parent.closest(".st-key-sketchpad");
    this.bar = parent.querySelector(".xmr-tools");
    this.buttons = Object.fromEntries([...parent.querySelectorAll("button")].map((one) => [one.value, one]));
    this.taken = data.taken; // steps so far: -1 for an undo, +1 for a redo
    this.pen = data.pen;
    this.ended = new AbortController();
    const on = (target, kind, act) => target.addEventListener(kind, act, { signal: this.ended.signal });
    on(this.buttons.undo, "click", () => this.step(-1));
    on(this.buttons.redo, "click", () => this.step(1));
    on(this.buttons.clear, "click", () => this.clear());
    on(this.buttons.move, "click", () => this.move(!this.moving));
    on(this.pad, "pointerdown", () => document.activeElement?.matches("input, textarea") && document.activeElement.blur());
    const first = { capture: true, signal: this.ended.signal };
    document.addEventListener("pointerdown", (event) => this.down(this.canvas?.host.contains(event.target)), first);
    document.addEventListener("pointerup", () => this.up(), first);
    on(document, "keydown", (event) => this.key(event));
    const watch = new MutationObserver(() => this.fit());
    watch.observe(this.pad, { childList: true, subtree: true });
    this.ended.signal.addEventListener("abort", () => watch.disconnect());
    this.fit();
  }

  show({ undo, redo, clear, pen, texts }) {
    this.bar.ariaLabel = texts.toolbar;
    for (const [name, button] of Object.entries(this.buttons)) [button.ariaLabel, button.title] = texts[name];
    this.buttons.undo.disabled = !undo;
    this.buttons.redo.disabled = !redo;
    this.buttons.clear.disabled = this.buttons.move.disabled = !clear;
    if (pen !== this.pen || !clear) this.move(false); // selecting a pen ends the move mode
    this.pen = pen;
    this.fit();
  }

  fit() {
    const canvas = this.pad.querySelector("[data-testid=stBidiComponentIsolated]");
    if (!canvas || !this.pad.isConnected) return;
    this.canvas = canvas.shadowRoot;
    if (!this.canvas?.querySelector(".dc-root")) return void requestAnimationFrame(() => this.fit());
    if (!this.canvas.adoptedStyleSheets.includes(FIT)) this.canvas.adoptedStyleSheets.push(FIT);
    this.buttons.move.ariaPressed = this.moving;
  }

  builtIn(label) {
    return this.canvas?.querySelector(`.dc-toolbar [aria-label="${label}"]`);
  }

  get moving() {
    return this.builtIn("Edit")?.ariaPressed === "true";
  }

  move(wanted) {
    if (wanted !== this.moving) this.builtIn("Edit")?.click();
    this.buttons.move.ariaPressed = this.moving;
  }

  down(onCanvas) {
    if (!onCanvas) this.send();
    this.drawing = onCanvas && !this.moving;
    if (onCanvas) clearTimeout(this.unsent); // the next stroke goes with it
  }

  up() {
    if (!this.drawing) return;
    this.drawing = false;
    this.drew = performance.now();
    this.unsent = setTimeout(() => this.send(), PAUSE); // not before the canvas has the stroke
  }

  send() {
    clearTimeout(this.unsent);
    if (this.unsent) this.builtIn("Update the app with this drawing")?.click();
    this.unsent = 0;
  }

  step(by) {
    if (this.buttons[by < 0 ? "undo" : "redo"].disabled && !(performance.now() - this.drew < UNHEARD)) return;
    this.send();
    this.taken += by;
    this.setStateValue("taken", this.taken);
  }

  clear() {
    this.send();
    this.setTriggerValue("clear", true);
  }

  key(event) {
    if (!this.pad.isConnected) return;
    const at = event.composedPath()[0];
    if (at.isContentEditable || at.matches?.("textarea, select, input:not([type=file], [type=radio], [type=checkbox])")) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || (key === "y" && !event.shiftKey))) {
      event.preventDefault();
      this.step(key === "y" || event.shiftKey ? 1 : -1);
    } else if (this.moving && (key === "delete" || key === "backspace")) {
      event.preventDefault();
      this.builtIn("Delete selected").click();
    } else if (this.moving && key === "escape") {
      event.preventDefault(); // and nothing else ends by it
      this.move(false);
    }
  }
}
