/** The catalog: hearts, what is shown of it, the screen of favourites, and what a child saves up for. */

import { favourites, startFavourites, wish } from "./favourites.js";
import { chosen, onChosen } from "./screens.js";
import { inside } from "./vk.js";
import { coinForms, counted, filled, residents, say, words } from "./words.js";

const catalog = document.querySelector('[data-screen="catalog"]');
const cards = new Map();
const favouritesScreen = document.querySelector('[data-screen="favourites"]');
const list = document.querySelector("[data-favourites]");
for (const card of document.querySelectorAll('[data-screen="catalog"] [data-item]')) cards.set(card.dataset.item, card);

/** Of a longer name only the beginning stands in a purse, where there is room for three lines on the smallest screen. */
const NAME_MAX = 28;

/** Which goods are shown: of one category, "" for all, and only those that the child has coins for. */
const filter = { category: "", affordable: false };

/** Bring the catalog to life. */
export function startGoods() {
  if (!catalog) return;
  document.addEventListener("click", tapped);
  const refresh = () => {
    showHearts();
    for (const resident of residents) showGoal(resident);
  };
  for (const card of cards.values()) card.querySelector(".heart").disabled = false;
  for (const filters of catalog.querySelectorAll("[data-filters]")) filters.hidden = false;
  onChosen(showFiltered);
  showFiltered();
  startFavourites(refresh, (trouble) => {
    if (trouble === "full") say(words.too_many);
    if (trouble === "nowhere") say(words.not_saved);
    // Without VK there is no other device to speak of.
    if (trouble === "browser" && inside) say(words.saved_here);
  });
}

function tapped({ target }) {
  const heart = target.closest(".heart");
  if (heart) {
    const card = heart.closest("[data-item]");
    const wanted = heart.getAttribute("aria-pressed") !== "true";
    const next = card.parentElement === list ? (card.nextElementSibling || card.previousElementSibling) : null;
    if (!wish(card.dataset.item, wanted)) say(words.too_many);
    // The card goes with its heart, and whoever uses keys must not be thrown out of the list.
    if (!card.isConnected) (next ? next.querySelector(".heart") : heading()).focus();
    return;
  }
  const button = target.closest("[data-filter]");
  if (button) {
    if (button.dataset.filter === "affordable") filter.affordable = !filter.affordable;
    else filter.category = button.dataset.category;
    showFiltered();
  }
}

/** The favourites' heading, to which the focus goes when there is nothing else. */
function heading() {
  const title = favouritesScreen.querySelector("h2");
  title.tabIndex = -1;
  return title;
}

// --- what is shown ---------------------------------------------------------------------------------------------------

function showFiltered() {
  let isAnyShown = false;
  for (const card of cards.values()) {
    const fits = !filter.category || card.closest("[data-shelf]").dataset.shelf === filter.category;
    card.hidden = !(fits && (!filter.affordable || affordable(card, chosen())));
    isAnyShown = isAnyShown || !card.hidden;
  }
  for (const shelf of catalog.querySelectorAll("[data-shelf]")) {
    shelf.hidden = !shelf.querySelector("[data-item]:not([hidden])");
  }
  for (const button of catalog.querySelectorAll("[data-filter]")) {
    const on = button.dataset.filter === "affordable" ? filter.affordable : button.dataset.category === filter.category;
    button.setAttribute("aria-pressed", on);
  }
  const nothing = catalog.querySelector("[data-nothing]");
  if (nothing) nothing.hidden = isAnyShown;
}

const reach = (card, resident) => card.querySelector(`.reach[data-resident="${resident}"]`);
const affordable = (card, resident) => Boolean(card.querySelector(`.enough[data-resident="${resident}"]`));

function showHearts() {
  const codes = favourites();
  const shown = [];
  for (const [code, card] of cards) {
    press(card, codes.has(code));
    if (codes.has(code)) shown.push(list.querySelector(`[data-item="${code}"]`) || copied(card));
  }
  const gone = [...list.children].filter((card) => !shown.includes(card));
  for (const card of gone) card.remove();
  shown.forEach((card, place) => { if (list.children[place] !== card) list.insertBefore(card, list.children[place]); });
  list.hidden = shown.length === 0;
  favouritesScreen.querySelector("[data-favourites-empty]").hidden = shown.length > 0;
}

function copied(card) {
  const copy = card.cloneNode(true);
  copy.removeAttribute("id");
  copy.hidden = false;
  press(copy, true);
  return copy;
}

function press(card, on) {
  card.querySelector(".heart").setAttribute("aria-pressed", on);
}

// --- what a child saves up for ---------------------------------------------------------------------------------------

/** What stands in a child's purse while there is no favourite. */
const invitations = new Map();

/** Say how far it is to the nearest favourite that a child has no coins for yet, else that there is enough. */
function showGoal({ id, balance, lesson }) {
  const line = document.querySelector(`[data-goal="${id}"]`);
  if (!line) return;
  if (!invitations.has(id)) invitations.set(id, [...line.childNodes]);
  const wanted = [...favourites()].map((code) => cards.get(code)).filter((card) => card && reach(card, id))
    .map((card) => ({ name: card.querySelector("h4").textContent, price: Number(card.dataset.price) }))
    .sort((one, other) => one.price - other.price);
  const goal = wanted.find(({ price }) => price > balance) || wanted[wanted.length - 1];
  if (!goal) {
    line.textContent = "";
    line.append(...invitations.get(id));
    return;
  }
  const lacking = goal.price - balance;
  const count = lesson > 0 ? Math.ceil(lacking / lesson) : 0;
  const text = lacking <= 0 ? words.goal_reached : count > 0 ? words.goal : words.goal_coins;
  line.textContent = filled(text, { name: quoted(goal.name), coins: counted(lacking, coinForms), lessons: counted(count, words.lessons) });
}

/** A name as it stands in a sentence; it may be written from right to left, what stands around it is not. */
function quoted(name) {
  const signs = [...name];
  const short = signs.length > NAME_MAX ? `${signs.slice(0, NAME_MAX - 1).join("").trimEnd()}…` : name;
  // It stands in quotation marks itself, so those within are of the other kind.
  return `\u2068${short.replace(/«/g, "„").replace(/»/g, "“")}\u2069`;
}
