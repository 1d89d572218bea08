/**
 * Which goods are somebody's favourites: kept by VK for each person on all their devices, in this browser where VK does
 * not answer, and for as long as the page is open where nothing can be kept. The server never learns of them.
 */

const CODE = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const COUNT_MAX = 200;
/** VK cuts longer values without a word, at 4096. */
const LENGTH_MAX = 4000;

/** What VK keeps, as it was read last, and what it has not taken yet: code → wanted or not. */
let kept = new Set();
const wishes = new Map();
let saveTimer = 0;
let changed = () => {};
let told = () => {};

/** All favourites, those too that today's catalog does not have. */
function favourites() {
  const all = new Set(kept);
  for (const [code, wanted] of wishes) wanted ? all.add(code) : all.delete(code);
  return all;
}

/**
 * Read what is kept. ``onChange`` is called whenever the favourites are others; ``onTrouble`` when they were kept only
 * in this "browser", or "nowhere", or when VK has become "full" by what was added on another device.
 */
function startFavourites(onChange, onTrouble) {
  changed = onChange;
  told = onTrouble;
  // What VK did not take then, it is offered now; nobody loses a heart by that.
  for (const code of parsed(readHere(FAVOURITES_KEY))) wishes.set(code, true);
  changed();
  inTurn(async () => {
    const isKnown = await recall();
    // Whatever else VK keeps is known by now as well.
    draw();
    attempt(() => onDraw(drawNews));
    if (isKnown) await keep();
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden && wishes.size) save(); });
}

/** Make something a favourite or no longer one; false when there are too many. */
function wish(code, wanted) {
  if (wanted && !fits(favourites().add(code))) return false;
  wishes.set(code, wanted);
  // The page may end at any moment, long before VK answers.
  shelve();
  changed();
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, PAUSE_MS);
  return true;
}

function save() {
  clearTimeout(saveTimer);
  inTurn(keep);
}

async function keep() {
  if (wishes.size === 0) return;
  // Another device may have written since, and nobody may write over what was not read.
  const known = await recall();
  if (wishes.size === 0) return;
  const now = new Map(wishes);
  const all = favourites();
  if (known && await ask("VKWebAppStorageSet", { key: FAVOURITES_KEY, value: joined(all) }, KEEPING_MS)) {
    kept = all;
    for (const [code, wanted] of now) if (wishes.get(code) === wanted) wishes.delete(code);
    shelve();
  } else {
    told(shelve() ? "browser" : "nowhere");
  }
}

/** Read what VK keeps, and forget the wishes that it fulfils already, or has no room for; false where it says nothing. */
async function recall() {
  const value = await readKept();
  if (value === null) return false;
  kept = parsed(value);
  for (const [code, wanted] of [...wishes].reverse()) {
    const full = wanted && !kept.has(code) && !fits(favourites());
    if (full) told("full");
    if (full || kept.has(code) === wanted) wishes.delete(code);
  }
  shelve();
  changed();
  return true;
}

/** Keep in this browser what VK has not taken yet; false where that is forbidden. */
const shelve = () => writeHere(FAVOURITES_KEY, joined([...wishes.keys()].filter((code) => wishes.get(code))));

const joined = (codes) => [...codes].join(",");
const fits = (codes) => codes.size <= COUNT_MAX && joined(codes).length <= LENGTH_MAX;

/** The codes in a stored value; whatever else stands there is passed over. */
function parsed(value) {
  // We never write so much: it was cut, and its end may be the beginning of a code.
  const text = value || "";
  const whole = text.length > LENGTH_MAX ? text.slice(0, text.lastIndexOf(",") + 1) : text;
  return new Set(whole.split(",").filter((code) => CODE.test(code)));
}
