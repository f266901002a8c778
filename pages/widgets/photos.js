// A grid of photos, and one of them large over the page. New answers update the cards that are there, so that keyboard
// focus and scroll position are kept, and a photo and its caption change at the same time. Which photo is large is in
// the state of the browser's history, so that Back closes it (frame.js).

const ICONS = {
  why: "lightbulb", out: "zoom_out", in: "zoom_in", download: "download", copy: "content_copy", open: "open_in_new",
  reveal: "folder_open", close: "close", previous: "chevron_left", next: "chevron_right",
};
const MOST_ZOOM = 8;
const SWIPE = 50; // px that a finger goes at least, and twice as far sideways as up or down
const ENLARGED = 2.5; // how much larger than it is a thumbnail is shown, where there is nothing else

export default function ({ parentElement, data, setTriggerValue }) {
  const [told, name] = data;
  const grid = parentElement.querySelector(".xmr-photos");
  const box = parentElement.querySelector(".xmr-large");
  grid.unfolded ??= new Set();
  if (grid.version !== told.version) { // the server has unmarked them
    grid.version = told.version;
    grid.marked = new Set(told.marked);
  }
  const act = (kind, id) => setTriggerValue("act", [kind, id]);

  while (grid.children.length > told.cards.length) grid.lastElementChild.remove();
  while (grid.children.length < told.cards.length) grid.append(blank());
  told.cards.forEach((card, at) => fill(grid.children[at], card));
  grid.hidden = !told.cards.length; // one that is not filled yet takes a screen: frame.css
  grid.onkeydown = (event) => walk(event, grid);
  lightbox();

  function address(card, how = "") {
    return new URL(told.base + encodeURIComponent(card.id) + how, document.baseURI).href;
  }

  function fill(item, card) {
    const { source, caption, note, framed, copies, alike } = card;
    const [open, mark, text, small, row] = item.children;
    const [more, less, folded] = row.children;
    const photo = open.firstElementChild;
    item.dataset.id = card.id;
    item.hidden = Boolean(alike) && !grid.unfolded.has(alike);
    photo.alt = text.textContent = text.title = caption;
    if (photo.src !== source) photo.src = source;
    small.textContent = note;
    photo.classList.toggle("framed", framed);
    open.ariaLabel = `${told.texts.enlarge}: ${caption}`;
    open.onclick = () => history.pushState({ ...history.state, large: [name, card.id] }, "");
    open.onpointerenter = () => { // who rests on a photo may want to see it large
      open.wait = setTimeout(() => { if (card.original) new Image().src = address(card); }, 120);
    };
    open.onpointerleave = () => clearTimeout(open.wait);
    more.textContent = told.texts.like;
    more.ariaLabel = `${told.texts.like}: ${caption}`;
    more.onclick = () => {
      act("like", card.id);
      if (grid.getBoundingClientRect().top < 0) grid.scrollIntoView();
    };
    less.hidden = !told.less;
    less.ariaLabel = less.title = `${told.texts.less}: ${caption}`;
    less.onclick = () => act("less", card.id);
    folded.hidden = !copies;
    folded.textContent = copies ?? "";
    folded.ariaExpanded = grid.unfolded.has(card.id);
    folded.onclick = () => {
      if (!grid.unfolded.delete(card.id)) grid.unfolded.add(card.id);
      told.cards.forEach((other, at) => fill(grid.children[at], other));
    };
    mark.hidden = !told.marked;
    const tick = mark.firstElementChild;
    tick.checked = grid.marked.has(card.id);
    tick.ariaLabel = `${told.texts.mark}: ${caption}`;
    tick.onchange = () => {
      if (!grid.marked.delete(card.id)) grid.marked.add(card.id);
      grid.classList.toggle("marking", grid.marked.size > 0);
      act("mark", [...grid.marked]);
    };
    grid.classList.toggle("marking", grid.marked.size > 0);
  }

  // ------------------------------------------------------------ one of them, large

  function lightbox() {
    const part = (name) => box.querySelector(`[data-act=${name}]`);
    const stage = box.querySelector(".stage"), picture = stage.firstElementChild;
    const [photo, heat] = picture.children;
    const shown = () => told.cards.filter(({ alike }) => !alike || grid.unfolded.has(alike));
    const now = () => told.cards.find(({ id }) => id === box.dataset.id);

    const arrived = !box.follow;
    box.follow = () => { // to where the history is
      const [grid, id] = history.state?.large ?? [];
      if (grid === name && told.cards.some((card) => card.id === id)) show(id);
      else box.close();
    };
    const show = (id) => {
      if (!box.open) box.showModal();
      box.dataset.id = id;
      box.zoom = 1;
      box.querySelector(".said").textContent = "";
      draw();
      const cards = shown(), at = cards.findIndex((card) => card.id === id);
      for (const near of [cards[at + 1], cards[at - 1]]) if (near?.original) new Image().src = address(near);
    };
    const step = (by) => {
      const cards = shown(), next = cards[cards.findIndex(({ id }) => id === box.dataset.id) + by];
      if (!next) return;
      show(next.id);
      if (history.state?.large) history.replaceState({ ...history.state, large: [name, next.id] }, "");
    };
    const zoom = (by) => {
      box.zoom = Math.min(MOST_ZOOM, Math.max(1, box.zoom * by));
      const card = now();
      if (box.zoom > 1 && card.original) sharpen(card, "?whole");
      fit();
    };

    function draw() {
      const card = now();
      if (!card) return box.close(); // it is no longer among the answers
      for (const [name, icon] of Object.entries(ICONS)) {
        part(name).dataset.icon = icon;
        part(name).ariaLabel = part(name).title = told.texts[name];
      }
      stage.ariaLabel = told.texts.stage;
      part("like").textContent = told.texts.like;
      part("less").textContent = told.texts.less;
      part("less").hidden = !told.less;
      if (told.said) box.querySelector(".said").textContent = told.said;
      box.querySelector(".title").textContent = [card.note, card.name].filter(Boolean).join(" · ");
      if (photo.dataset.id !== card.id || !photo.src) {
        photo.dataset.id = card.id;
        photo.src = card.source; // at once, and in its place as soon as it is there:
        if (card.original) sharpen(card);
      }
      photo.alt = card.caption;
      photo.onload = fit;
      const cards = shown(), at = cards.findIndex(({ id }) => id === card.id);
      part("previous").disabled = at <= 0;
      part("next").disabled = at === cards.length - 1;
      part("why").hidden = !told.why;
      part("copy").hidden = part("open").hidden = part("reveal").hidden = !card.path;
      part("download").href = address(card, "?file");
      part("download").setAttribute("download", "");
      rows(box.querySelector("dl"), card.facts, ([name, value]) => [make("dt", name), make("dd", value)]);
      const captions = box.querySelector(".captions");
      captions.hidden = !card.captions.length;
      captions.firstElementChild.textContent = told.texts.captions;
      rows(captions.lastElementChild, card.captions, (text) => [make("li", text)]);
      const cells = told.heat?.id === card.id ? told.heat.cells : null;
      heat.hidden = !cells;
      part("why").ariaPressed = Boolean(cells);
      if (cells) paint(heat, cells);
      box.querySelector(".counted").textContent = cells ? told.texts.counted : "";
      fit();
      const held = document.activeElement;
      if (!box.contains(held) || held.disabled || held.hidden) stage.focus({ preventScroll: true }); // or keys go nowhere
    }

    function sharpen(card, how = "") {
      const large = new Image();
      large.src = address(card, how);
      large.decode().then(() => {
        if (box.dataset.id !== card.id) return;
        photo.src = large.src;
        photo.dataset.large = card.id;
      }).catch(() => {}); // the thumbnail stays
    }

    function fit() {
      if (!photo.naturalWidth || !box.open) return;
      const { clientWidth, clientHeight } = stage, card = now();
      const most = card?.original ? Infinity : ENLARGED;
      const scale = Math.min(clientWidth / photo.naturalWidth, clientHeight / photo.naturalHeight, most) * box.zoom;
      const [x, y] = [(stage.scrollLeft + clientWidth / 2) / stage.scrollWidth, (stage.scrollTop + clientHeight / 2) / stage.scrollHeight];
      picture.style.width = `${Math.floor(photo.naturalWidth * scale)}px`;
      picture.style.height = `${Math.floor(photo.naturalHeight * scale)}px`;
      stage.scrollTo(x * stage.scrollWidth - clientWidth / 2, y * stage.scrollHeight - clientHeight / 2); // the middle stays
      if (box.zoom <= 1 && document.activeElement === part("out")) stage.focus();
      part("out").disabled = box.zoom <= 1;
      part("in").disabled = box.zoom >= MOST_ZOOM;
    }

    const leave = (kind) => { // the answer's address takes the place of this step, so no step back is taken
      history.replaceState({ ...history.state, large: null }, "");
      box.close();
      act(kind, box.dataset.id);
    };
    const acts = {
      previous: () => step(-1), next: () => step(1), close: () => box.close(), in: () => zoom(1.6), out: () => zoom(1 / 1.6),
      why: () => act("why", told.heat?.id === box.dataset.id ? null : box.dataset.id),
      like: () => leave("like"),
      less: () => leave("less"),
      open: () => act("open", box.dataset.id),
      reveal: () => act("reveal", box.dataset.id),
      copy: async () => {
        await navigator.clipboard.writeText(now().path);
        box.querySelector(".said").textContent = told.texts.copied;
      },
    };
    box.onclick = (event) => {
      const name = event.target.closest("[data-act]")?.dataset.act;
      if (event.target === box) box.close();
      else if (acts[name]) acts[name]();
    };
    stage.ondblclick = () => { box.zoom > 1 ? (box.zoom = 1, fit()) : zoom(2.5); };
    stage.ontouchstart = ({ touches }) => {
      stage.from = touches.length === 1 && box.zoom <= 1 ? touches[0] : null; // a larger photo is moved instead
    };
    stage.ontouchend = ({ changedTouches: [to] }) => {
      const across = stage.from ? to.clientX - stage.from.clientX : 0;
      if (Math.abs(across) > Math.max(SWIPE, 2 * Math.abs(to.clientY - stage.from?.clientY))) step(across < 0 ? 1 : -1);
    };
    box.onwheel = (event) => {
      if (!event.ctrlKey || !stage.contains(event.target)) return; // also a pinch on a touchpad
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
    };
    box.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const name = { "ArrowLeft": "previous", "ArrowRight": "next", "+": "in", "=": "in", "-": "out" }[event.key];
      const panned = box.zoom > 1 && event.key.startsWith("Arrow");
      event.stopPropagation(); // the page's own shortcuts wait
      if (!name || panned) return;
      event.preventDefault();
      acts[name]();
    };
    box.onclose = () => {
      if (box.open) return; // another one, since
      if (history.state?.large) history.back();
      if (told.heat) act("why", null);
      [...grid.children].find(({ dataset }) => dataset.id === box.dataset.id)?.firstElementChild.focus();
    };
    box.sizes?.disconnect();
    box.sizes = new ResizeObserver(fit);
    box.sizes.observe(stage);
    if (box.open) draw();
    else if (arrived) box.follow(); // by a reload
  }
}

function blank() {
  const card = document.createElement("li");
  const [open, mark, , , row] = ["button", "label", "p", "small", "div"].map((tag) => card.appendChild(document.createElement(tag)));
  open.type = "button";
  open.className = "enlarge";
  open.appendChild(document.createElement("img")).decoding = "sync"; // painted together with its caption
  mark.className = "mark";
  mark.appendChild(document.createElement("input")).type = "checkbox";
  for (const name of ["more", "less", "folded"]) {
    const button = row.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = name;
  }
  for (const kind of ["pointerenter", "focusin"]) card.addEventListener(kind, () => link(card.dataset.id, card.parentElement));
  for (const kind of ["pointerleave", "focusout"]) card.addEventListener(kind, () => link(null, card.parentElement));
  return card;
}

function make(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function rows(list, given, elements) {
  list.replaceChildren(...given.flatMap(elements));
}

// The arrow keys go from photo to photo; x marks.
function walk(event, grid) {
  const item = event.target.closest("li");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "x" && !item.querySelector(".mark").hidden) return item.querySelector("input").click();
  const items = [...grid.children].filter(({ hidden }) => !hidden), at = items.indexOf(item);
  const second = items.findIndex((other) => other.offsetTop > items[0].offsetTop); // the first one of the second row
  const wide = second < 0 ? items.length : second;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide }[event.key];
  const next = by && items[at + by];
  if (!next) return;
  event.preventDefault();
  next.firstElementChild.focus();
}

// The same photo in the other grids of the page.
function link(id, grid) {
  for (const item of document.querySelectorAll(".xmr-photos > li")) {
    item.classList.toggle("same", item.dataset.id === id && item.parentElement !== grid);
  }
}

// rows x columns of shares, over the photo: what counted stays light, whatever its colour is.
function paint(canvas, cells) {
  const most = Math.max(...cells.flat(), 1e-9);
  [canvas.width, canvas.height] = [cells[0].length, cells.length];
  const context = canvas.getContext("2d");
  cells.forEach((row, y) => row.forEach((share, x) => {
    context.fillStyle = `rgba(0, 0, 0, ${0.82 * (1 - Math.max(0, share) / most)})`;
    context.fillRect(x, y, 1, 1);
  }));
}
