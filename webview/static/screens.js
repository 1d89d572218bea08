/**
 * One screen at a time, chosen by the address's fragment; each change is a step in the history, so that VK's back
 * button and swipe lead through them. A fragment names an element: its screen is shown, and the child it belongs to.
 *
 * Parts of the page may be replaced by newer ones at any time, so elements are looked up when they are needed.
 */

const school = document.title;
/** How far each screen was scrolled when it was left. */
const places = new Map();
const drawers = [];
let current = "";

/** The number of the child that is shown, "" where there is none: the one that was chosen last, else the first. */
function chosen() {
  const known = recalled("child");
  if (document.querySelector(`[data-switch="${known}"]`)) return known;
  const first = document.querySelector("[data-switch], [data-resident]");
  return first ? first.dataset.switch || first.dataset.resident : "";
}

/** Do something now, and whenever another child is chosen or a part of the page is new. */
function onDraw(drawer) {
  drawers.push(drawer);
  drawer();
}

/** Bring the whole page up to date with what is chosen and remembered. */
function draw() {
  for (const drawer of drawers) attempt(drawer);
}

/** Whatever one part of the page stumbles over, the others go on. */
function attempt(part) {
  try {
    part();
  } catch (error) {
    // The browser's console tells it, as it does of every error that nobody catches.
    setTimeout(() => { throw error; });
  }
}

/** Show one screen from now on, and go where links, the history and VK lead. */
function startScreens() {
  if (!document.querySelector("[data-screen]")) return;
  history.scrollRestoration = "manual";
  document.addEventListener("click", followed);
  document.addEventListener("focusin", reached);
  window.addEventListener("popstate", () => show(location.hash));
  window.addEventListener("hashchange", () => show(location.hash));
  for (const event of ["VKWebAppChangeFragment", "VKWebAppLocationChanged"]) {
    listen(event, ({ location: fragment }) => { if (typeof fragment === "string") go(`#${fragment.replace(/^#/, "")}`); });
  }
  onDraw(drawChildren);
  show(location.hash);
  onDraw(drawScreens);
}

function followed(event) {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const fragment = link.getAttribute("href");
  if (link.dataset.switch) choose(link.dataset.switch);
  else if (named(fragment).screen.id === current && link.closest(".tabs")) scrollTo(0, 0);
  else go(fragment, true);
}

/** Swipe a row so that something in it is in sight, which browsers leave half outside; the page stays where it is. */
function reached({ target }) {
  const row = target.closest(".switcher, .filters");
  if (!row) return;
  const place = target.getBoundingClientRect();
  const edges = row.getBoundingClientRect();
  if (place.left < edges.left || place.right > edges.right) {
    row.scrollLeft += place.left + place.width / 2 - edges.left - edges.width / 2;
  }
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
  const first = document.querySelector("[data-screen]");
  return screen ? { screen, element } : { screen: first, element: first };
}

function show(fragment, byHand = false) {
  const { screen, element } = named(fragment);
  const owner = element.closest("[data-resident]");
  if (current && screen.id !== current) places.set(current, scrollY);
  if (owner) choose(owner.dataset.resident);
  if (screen.id !== current) {
    const isFirst = !current;
    current = screen.id;
    drawScreens();
    // Without a fragment the first screen is where the reader already is.
    if (!isFirst || fragment) scrollTo(0, places.get(current) || 0);
    if (byHand) focusOn(screen);
  }
  if (element !== screen && element !== owner) element.scrollIntoView({ block: "center" });
}

function drawScreens() {
  const screen = document.getElementById(current);
  for (const other of document.querySelectorAll("[data-screen]")) other.hidden = other !== screen;
  for (const tab of document.querySelectorAll(".tabs a")) mark(tab, tab.getAttribute("href") === `#${current}`, "page");
  document.title = screen.dataset.title ? `${screen.dataset.title} · ${school}` : school;
  document.documentElement.dataset.shown = screen.dataset.screen;
}

/** Let whoever listens or uses keys go on from the new screen's beginning. */
function focusOn(screen) {
  const heading = [...screen.querySelectorAll("h2")].find((title) => !title.closest("[hidden]")) || screen;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function choose(resident) {
  if (resident === chosen() || !document.querySelector(`[data-switch="${resident}"]`)) return;
  remember("child", resident);
  draw();
}

function drawChildren() {
  const child = chosen();
  for (const owned of document.querySelectorAll("[data-resident]")) owned.hidden = owned.dataset.resident !== child;
  for (const chip of document.querySelectorAll("[data-switch]")) {
    mark(chip, chip.dataset.switch === child, "true");
    if (chip.dataset.switch === child) reached({ target: chip });
  }
}

function mark(link, isHere, value) {
  if (isHere) link.setAttribute("aria-current", value);
  else link.removeAttribute("aria-current");
}
