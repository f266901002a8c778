// On a phone the canvas and all that is beside it is folded away, so that the answers follow the words; this button shows
// it. frame.css has the rest.

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector(".xmr-fold"), root = document.documentElement;
  button.textContent = data.label;
  button.ariaExpanded = root.classList.contains("xmr-unfolded");
  button.onclick = () => (button.ariaExpanded = root.classList.toggle("xmr-unfolded"));
}
