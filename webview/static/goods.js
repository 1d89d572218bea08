/** The catalog: hearts, what is shown of it, the screen of favourites, and what a child saves up for. */

/** Which goods are shown: of one category, "" for all, and only those that the child has coins for. */
const filter = { category: "", affordable: false };
/** The card of each of the goods in the catalog, by code. */
const cards = new Map();
/** What stands in the place of a wish while there is none, by child. */
const invitations = new Map();

const catalog = () => document.querySelector('[data-screen="catalog"]');
const list = () => document.querySelector("[data-favourites]");
const priceOf = (card) => Number(card.dataset.price);
const isFor = (card, resident) => Boolean(card.querySelector(`.reach[data-resident="${resident}"]`));
const isAffordable = (card) => Boolean(card.querySelector(`.enough[data-resident="${chosen()}"]`));

/** Bring the catalog to life. */
function startGoods() {
  if (!catalog()) return;
  document.addEventListener("click", tapped);
  // Errors of pictures do not rise, they can only be caught on their way down.
  document.addEventListener("error", ({ target }) => dropBroken(target), true);
  onDraw(drawGoods);
  // Without VK there is no other device to speak of.
  const texts = { full: words.too_many, nowhere: words.not_saved, browser: inside ? words.saved_here : "" };
  startFavourites(drawFavourites, (trouble) => say(texts[trouble]));
}

/** Under a picture that does not come lies a tile with a letter. */
function dropBroken(image) {
  if (image.matches && image.matches(".picture img")) image.remove();
}

function tapped({ target }) {
  const heart = target.closest(".heart");
  const choice = target.closest(".choice");
  const button = target.closest("[data-filter]");
  if (heart) tapHeart(heart);
  if (choice) chooseWish(choice.closest("[data-item]"));
  if (button) {
    if (button.dataset.filter === "affordable") filter.affordable = !filter.affordable;
    else filter.category = button.dataset.category;
    drawFiltered();
  }
}

function tapHeart(heart) {
  const card = heart.closest("[data-item]");
  const isWanted = heart.getAttribute("aria-pressed") !== "true";
  const next = card.parentElement === list() ? card.nextElementSibling || card.previousElementSibling : null;
  if (!wish(card.dataset.item, isWanted)) say(words.too_many);
  if (card.isConnected) return;
  // The card goes with its heart, and whoever uses keys must not be thrown out of the list.
  const heading = document.getElementById("favourites");
  heading.tabIndex = -1;
  (next ? next.querySelector(".heart") : heading).focus();
}

function drawGoods() {
  cards.clear();
  for (const card of catalog().querySelectorAll("[data-item]")) {
    cards.set(card.dataset.item, card);
    card.querySelector(".heart").disabled = false;
    const image = card.querySelector("img");
    // It may have failed before anybody listened.
    if (image && image.complete && !image.naturalWidth) dropBroken(image);
  }
  for (const filters of catalog().querySelectorAll("[data-filters]")) filters.hidden = false;
  drawFiltered();
  drawFavourites();
}

function drawFiltered() {
  let isAnyShown = false;
  for (const card of cards.values()) {
    const fits = !filter.category || card.closest("[data-shelf]").dataset.shelf === filter.category;
    card.hidden = !fits || (filter.affordable && !isAffordable(card));
    isAnyShown = isAnyShown || !card.hidden;
  }
  const shelves = catalog().querySelectorAll("[data-shelf]");
  for (const shelf of shelves) shelf.hidden = !shelf.querySelector("[data-item]:not([hidden])");
  for (const button of catalog().querySelectorAll("[data-filter]")) {
    const isCategory = button.dataset.filter === "category";
    press(button, isCategory ? button.dataset.category === filter.category : filter.affordable);
  }
  for (const nothing of catalog().querySelectorAll("[data-nothing]")) nothing.hidden = isAnyShown;
}

function drawFavourites() {
  const codes = favourites();
  const shown = [];
  for (const [code, card] of cards) {
    press(card.querySelector(".heart"), codes.has(code));
    if (codes.has(code)) shown.push(list().querySelector(`[data-item="${code}"]`) || copied(card));
  }
  for (const card of [...list().children]) if (!shown.includes(card)) card.remove();
  shown.forEach((card, place) => {
    if (list().children[place] !== card) list().insertBefore(card, list().children[place]);
    card.querySelector(".choice").hidden = !isFor(card, chosen());
    press(card.querySelector(".choice"), recalled(`wish.${chosen()}`) === card.dataset.item);
  });
  list().hidden = shown.length === 0;
  document.querySelector("[data-favourites-empty]").hidden = shown.length > 0;
  sumUp(shown.filter(isAffordable));
  for (const resident of residents()) drawWish(resident);
}

function copied(card) {
  const copy = card.cloneNode(true);
  copy.removeAttribute("id");
  copy.hidden = false;
  press(copy.querySelector(".heart"), true);
  const choice = document.createElement("button");
  copy.append(Object.assign(choice, { type: "button", className: "choice", textContent: words.goal_choose }));
  return copy;
}

/** What is affordable one by one may not be so together: nobody is promised both. */
function sumUp(affordable) {
  const hint = document.querySelector("[data-together]");
  const purse = residents().find((resident) => String(resident.id) === chosen());
  const total = affordable.map(priceOf).reduce((sum, price) => sum + price, 0);
  hint.hidden = affordable.length < 2 || total <= purse.balance;
  hint.textContent = hint.hidden ? "" : filled(words.not_together, { coins: counted(total, coinForms()) });
}

function press(button, isOn) { button.setAttribute("aria-pressed", isOn); }

/** From now on this is what the child saves up for. */
function chooseWish(card) {
  remember(`wish.${chosen()}`, card.dataset.item);
  say(filled(words.goal_chosen, { name: quoted(card.querySelector("h4").textContent) }));
  drawFavourites();
}

/** What was chosen among the favourites, else the nearest that there are no coins for yet. */
function wishOf({ id, balance }) {
  const wanted = [...favourites()].map((code) => cards.get(code)).filter((card) => card && isFor(card, id));
  wanted.sort((card, other) => priceOf(card) - priceOf(other));
  return wanted.find((card) => card.dataset.item === recalled(`wish.${id}`))
    || wanted.find((card) => priceOf(card) > balance) || wanted[wanted.length - 1];
}

function drawWish(resident) {
  const box = document.querySelector(`[data-goal="${resident.id}"]`);
  if (!box) return;
  if (!invitations.has(resident.id)) invitations.set(resident.id, box.firstElementChild);
  const link = invitations.get(resident.id).cloneNode(true);
  const card = wishOf(resident);
  if (card) fillWish(link, card, resident);
  box.classList.toggle("reached", Boolean(card) && resident.balance >= priceOf(card));
  box.replaceChild(link, box.firstElementChild);
}

function fillWish(link, card, { balance, lesson }) {
  const part = (name) => link.querySelector(`[data-goal-${name}]`);
  const lacking = priceOf(card) - balance;
  const count = lesson > 0 ? Math.ceil(lacking / lesson) : 0;
  link.href = `#good-${card.dataset.item}`;
  link.replaceChild(card.querySelector(".picture").cloneNode(true), link.querySelector(".picture"));
  part("name").textContent = card.querySelector("h4").textContent;
  if (lacking <= 0) {
    part("label").textContent = words.goal_reached;
    part("text").textContent = part("text").dataset.how;
    return;
  }
  part("bar").hidden = false;
  part("bar").max = priceOf(card);
  part("bar").value = Math.max(balance, 0);
  part("text").textContent = filled(count > 0 ? words.goal : words.goal_coins, {
    coins: counted(lacking, coinForms()), lessons: counted(count, words.lessons),
  });
}
