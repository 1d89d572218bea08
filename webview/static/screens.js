/**
 * One screen at a time, chosen by the address's fragment; each change is a step in the history, so that VK's back
 * button and swipe lead through them. A fragment names an element: its screen is shown, and the child it belongs to.
 */

import { listen } from "./vk.js";

const screens = [...document.querySelectorAll("[data-screen]")];
const tabs = [...document.querySelectorAll(".tabs a")];
const switches = [...document.querySelectorAll("[data-switch]")];
const school = document.title;
/** How far each screen was scrolled when it was left. */
const places = new Map();
const watchers = [];

let current = null;
const firstOwner = document.querySelector("[data-switch], [data-resident]");
let child = firstOwner ? firstOwner.dataset.switch || firstOwner.dataset.resident : "";

/** The number of the child that is shown, "" where there is none. */
export const chosen = () => child;

/** Call somebody whenever another child is chosen. */
export function onChosen(watcher) { watchers.push(watcher); }

/** Show one screen from now on, and go where links, the history and VK lead. */
export function startScreens() {
  if (screens.length === 0) return;
  history.scrollRestoration = "manual";
  document.addEventListener("click", followed);
  document.addEventListener("focusin", reached);
  window.addEventListener("popstate", () => show(location.hash));
  window.addEventListener("hashchange", () => show(location.hash));
  for (const event of ["VKWebAppChangeFragment", "VKWebAppLocationChanged"]) {
    listen(event, ({ location: fragment }) => { if (typeof fragment === "string") go(`#${fragment.replace(/^#/, "")}`); });
  }
  choose(child);
  show(location.hash);
}

function followed(event) {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const fragment = link.getAttribute("href");
  if (link.dataset.switch) choose(link.dataset.switch);
  else if (named(fragment).screen === current && link.closest(".tabs")) scrollTo(0, 0);
  else go(fragment, true);
}

/** Bring what is reached by a key into sight, in a row that is swiped; browsers leave it half outside. */
function reached({ target }) {
  const row = target.closest(".switcher, .filters");
  if (!row) return;
  const { left, right } = target.getBoundingClientRect();
  const edges = row.getBoundingClientRect();
  if (left < edges.left || right > edges.right) row.scrollLeft += left - edges.left - (edges.width - right + left) / 2;
}

/** Lead to what a fragment names, by a step in the history if it is elsewhere; only names of ours get into it. */
function go(fragment, byHand = false) {
  const { element } = named(fragment);
  if (element !== named(location.hash).element) history.pushState(null, "", `#${element.id}`);
  show(fragment, byHand);
}

/** The element that a fragment names, and its screen: the first where it names nothing of ours. */
function named(fragment) {
  let name = fragment.slice(1);
  try { name = decodeURIComponent(name); } catch (error) { /* No name of ours needs decoding that fails. */ }
  const element = document.getElementById(name);
  const screen = element && element.closest("[data-screen]");
  return screen ? { screen, element } : { screen: screens[0], element: screens[0] };
}

function show(fragment, byHand = false) {
  const { screen, element } = named(fragment);
  const owner = element.closest("[data-resident]");
  if (current && screen !== current) places.set(current, scrollY);
  if (owner) choose(owner.dataset.resident);
  if (screen !== current) {
    for (const one of screens) one.hidden = one !== screen;
    for (const tab of tabs) mark(tab, tab.getAttribute("href") === `#${screen.id}`, "page");
    const title = screen.dataset.title;
    document.title = title ? `${title} · ${school}` : school;
    document.documentElement.dataset.shown = screen.dataset.screen;
    // Without a fragment the first screen is where the reader already is.
    if (current || fragment) scrollTo(0, places.get(screen) || 0);
    current = screen;
    if (byHand) focusOn(screen);
  }
  if (element !== screen && element !== owner) element.scrollIntoView({ block: "center" });
}

/** Let whoever listens or uses keys go on from the new screen's beginning. */
function focusOn(screen) {
  const heading = [...screen.querySelectorAll("h2")].find((one) => !one.closest("[hidden]")) || screen;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function choose(resident) {
  if (![...switches].some((one) => one.dataset.switch === resident) && resident !== child) return;
  child = resident;
  for (const one of document.querySelectorAll("[data-resident]")) one.hidden = one.dataset.resident !== child;
  for (const one of switches) mark(one, one.dataset.switch === child, "true");
  for (const watcher of watchers) watcher(child);
}

function mark(link, here, value) {
  if (here) link.setAttribute("aria-current", value);
  else link.removeAttribute("aria-current");
}
