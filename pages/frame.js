// What is one step of the browser's history. It is in the page before Streamlit, and so hears of steps before it.
//
// Streamlit makes each change of the address a step. A word that is being typed, a drawing of several strokes and a
// weight that is being moved are one step each; and so is another page together with the query on it. More of an answer
// is none.
//
// A photo that is shown large (widgets/photos.js) is a step of its own, at the address of the query: Back closes it. It
// stays on top of a query that changes under it; one that is large no more makes room for the next query. A step back that
// the page takes itself comes a little later: a photo that is opened meanwhile waits for it.
{
  const TOGETHER = 2000; // ms in which changes of the same part of a query are one step
  const PARTS = ["words", "without", "drawing", "weights"]; // that change little by little

  const step = history.pushState.bind(history), back = history.back.bind(history);
  const last = { part: null, at: -Infinity, page: false };
  const covered = () => Boolean(document.querySelector(".xmr-large[open]"));
  let here = location.href, leaving = false, waiting = null;

  history.back = () => {
    if (!leaving) back();
    leaving = true;
  };

  history.pushState = (state, title, to) => {
    const { large } = history.state ?? {};
    if (state?.large && large && !covered()) {
      waiting = state.large;
      history.back();
    } else if (state?.large) {
      step(state, title, to);
      follow();
    } else {
      ask(state, title, to);
      if (large && !history.state?.large && covered()) step({ ...state, large }, title, to);
    }
    here = location.href;
  };

  const follow = () => { // the photo that the history has large, or none
    for (const box of document.querySelectorAll(".xmr-large")) box.follow?.();
  };

  const ask = (state, title, to) => {
    const from = new URL(location.href), next = new URL(to ?? "", location.href), now = performance.now();
    const samePage = from.pathname === next.pathname;
    const names = new Set([...from.searchParams.keys(), ...next.searchParams.keys()]);
    const differs = (name) => name !== "show" && from.searchParams.get(name) !== next.searchParams.get(name);
    const changed = [...names].filter(differs);
    const [part] = changed.length === 1 ? changed : [null];
    const together = samePage
      ? last.page || (PARTS.includes(part) && part === last.part)
      : last.part === "like" && !changed.length; // "More like this" leads to Search, whose address may come last
    const goesOn = together && now - last.at < TOGETHER;
    if (samePage && !changed.length) return history.replaceState({ ...history.state, ...state }, title, to); // only more
    Object.assign(last, { part, at: now, page: !samePage });
    if (goesOn || history.state?.large !== undefined) history.replaceState(state, title, to);
    else step(state, title, to);
  };

  window.addEventListener("popstate", (event) => {
    Object.assign(last, { part: null, page: false });
    leaving = false;
    follow();
    if (location.href === here) event.stopImmediatePropagation(); // Streamlit would ask the same query again
    here = location.href;
    if (waiting) history.pushState({ ...history.state, large: waiting }, "");
    waiting = null;
  });
}
