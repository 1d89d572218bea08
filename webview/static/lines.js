/** Older lines of a history, part by part: the launch that opened the page says in a header who asks. */

import { filled, words } from "./words.js";

const LINES_PATIENCE_MS = 15000;

/** Offer older lines wherever there are some. */
export function startLines() {
  for (const button of document.querySelectorAll(".more[data-child]")) {
    button.hidden = false;
    button.addEventListener("click", () => bring(button));
  }
}

async function bring(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const name = button.textContent;
  // A button that is disabled outright would lose the focus of whoever pressed it by a key.
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.loading;
  const answer = await fetched(button.dataset);
  button.removeAttribute("aria-disabled");
  button.textContent = name;
  if (answer.part) append(button, answer.part);
  else button.nextElementSibling.textContent = answer.status === 403 ? words.expired : words.failed;
}

async function fetched({ child, before }) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LINES_PATIENCE_MS);
  try {
    const answer = await fetch(`/history?${new URLSearchParams({ child, before })}`, {
      headers: { "X-Launch": location.search.slice(1) },
      signal: stop.signal,
    });
    if (!answer.ok) return { status: answer.status };
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { part: page.querySelector(`[data-lines="${child}"]`) };
  } catch (error) {
    return {};
  } finally {
    clearTimeout(timer);
  }
}

function append(button, part) {
  const list = document.querySelector(`[data-lines="${button.dataset.child}"]`);
  const first = part.firstElementChild || list.lastElementChild;
  list.append(...part.children);
  button.dataset.before = part.dataset.before;
  button.nextElementSibling.textContent = "";
  const hint = document.querySelector(`[data-bounded="${button.dataset.child}"]`);
  if (hint) hint.textContent = filled(words.shown, { count: list.children.length });
  if (part.dataset.before !== "0") return;
  if (hint) hint.remove();
  if (document.activeElement === button) {
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  }
  button.remove();
}
