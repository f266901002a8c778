// A grid of photos. New results update the existing cards, so that keyboard focus and scroll position are kept, and a
// photo and its caption change at the same time.

export default function ({ parentElement, data, setTriggerValue }) {
  const grid = parentElement.querySelector(".xmr-photos");
  while (grid.children.length > data.length) grid.lastElementChild.remove();
  while (grid.children.length < data.length) grid.append(blank());
  data.forEach(({ id, source, caption, note, framed }, at) => {
    const [photo, text, small, more] = grid.children[at].children;
    photo.alt = text.textContent = text.title = caption;
    if (photo.src !== source) photo.src = source;
    small.textContent = note;
    photo.classList.toggle("framed", framed);
    more.ariaLabel = `More like this: ${caption}`;
    more.onclick = () => {
      setTriggerValue("like", id);
      if (grid.getBoundingClientRect().top < 0) grid.scrollIntoView();
    };
  });
}

function blank() {
  const card = document.createElement("li");
  const [photo, , , more] = ["img", "p", "small", "button"].map((tag) => card.appendChild(document.createElement(tag)));
  photo.decoding = "sync"; // painted together with its caption
  more.type = "button";
  more.textContent = "More like this";
  return card;
}
