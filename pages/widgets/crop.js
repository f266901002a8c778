// A part of a picture: drawn as a frame with the mouse or a finger, or moved and resized with the arrow keys. What was
// chosen is sent when the pointer or the key goes up.

const SMALLEST = 0.04, STEP = 0.02; // shares of a side
const WHOLE = [0, 0, 1, 1];

export default function ({ parentElement, data, setStateValue }) {
  const [hint, stage, whole] = parentElement.querySelector(".xmr-crop").children;
  const [picture, frame] = stage.children;
  hint.textContent = data.texts.hint;
  whole.textContent = data.texts.whole;
  frame.ariaLabel = data.texts.part;
  if (picture.src !== data.source) picture.src = data.source;
  if (!stage.drawing) show(data.box);

  stage.onpointerdown = (event) => {
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    stage.drawing = [place(event), stage.box];
  };
  stage.onpointermove = (event) => {
    if (!stage.drawing) return;
    const [[x, y]] = stage.drawing, [a, b] = place(event);
    show([Math.min(x, a), Math.min(y, b), Math.max(x, a), Math.max(y, b)]);
  };
  stage.onpointerup = stage.onpointercancel = (event) => {
    if (!stage.drawing) return;
    const [, before] = stage.drawing, [left, top, right, bottom] = stage.box;
    stage.drawing = null;
    const none = event.type === "pointercancel" || right - left < SMALLEST || bottom - top < SMALLEST; // a click
    if (none) show(before);
    else send();
  };
  frame.onkeydown = (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    event.stopPropagation();
    let [left, top, right, bottom] = stage.box;
    if (event.shiftKey) {
      right = Math.min(1, Math.max(left + SMALLEST, right + x * STEP));
      bottom = Math.min(1, Math.max(top + SMALLEST, bottom + y * STEP));
    } else {
      const across = Math.min(1 - right, Math.max(-left, x * STEP)), down = Math.min(1 - bottom, Math.max(-top, y * STEP));
      [left, right, top, bottom] = [left + across, right + across, top + down, bottom + down];
    }
    show([left, top, right, bottom]);
    stage.turned = true;
  };
  frame.onkeyup = () => stage.turned && ((stage.turned = false), send());
  whole.onclick = () => (show(WHOLE), send());

  function place(event) {
    const { left, top, width, height } = picture.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height].map((at) => Math.min(1, Math.max(0, at)));
  }

  function show(box) {
    stage.box = box;
    const [left, top, right, bottom] = box.map((side) => 100 * side);
    Object.assign(frame.style, {
      left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%`,
    });
  }

  function send() {
    setStateValue("box", stage.box);
  }
}
