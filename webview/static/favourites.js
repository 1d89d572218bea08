/**
 * Which goods are somebody's favourites: kept by VK for each person on all their devices, in this browser where VK does
 * not answer, and for as long as the page is open where nothing can be kept. The server never learns of them.
 */

import { ask, inside, visitor } from "./vk.js";

const KEY = "fav1";
const CODE = /^[a-z0-9][a-z0-9_-]{0,39}$/;
export const COUNT_MAX = 200;
/** VK cuts longer values without a word, at 4096. */
const LENGTH_MAX = 4000;
const PAUSE_MS = 400;
const PATIENCE_MS = 5000;

/** A place in this browser; frames may be forbidden to use it, by an error at every touch. */
const shelf = {
  name: `coinsync.${KEY}.${visitor}`,
  read() { try { return localStorage.getItem(this.name); } catch { return null; } },
  write(value) { try { localStorage.setItem(this.name, value); return true; } catch { return false; } },
  clear() { try { localStorage.removeItem(this.name); } catch { /* What cannot be touched holds nothing of ours. */ } },
};

/** What is stored, as far as is known, and what was tapped since: code → wanted or not. */
let kept = new Set();
const wishes = new Map();
let remembered = false;
let timer = 0;
/** VK loses answers when it is asked two things at once: one call after another. */
let turn = Promise.resolve();

let changed = () => {};
let told = () => {};

/** All favourites, those too that today's catalog does not have. */
export function favourites() {
  const all = new Set(kept);
  for (const [code, wanted] of wishes) wanted ? all.add(code) : all.delete(code);
  return all;
}

/**
 * Read what is kept. ``onChange`` is called whenever the favourites are others; ``onKept`` after each attempt to keep
 * them, with "vk", "browser" or "nowhere".
 */
export function startFavourites(onChange, onKept) {
  [changed, told] = [onChange, onKept];
  turn = turn.then(recall);
  document.addEventListener("visibilitychange", () => { if (document.hidden && wishes.size) save(); });
}

/** Make something a favourite or no longer one; false when there are too many. */
export function wish(code, wanted) {
  const all = favourites().add(code);
  if (wanted && (all.size > COUNT_MAX || joined(all).length > LENGTH_MAX)) return false;
  wishes.set(code, wanted);
  changed();
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE_MS);
  return true;
}

async function recall() {
  const ours = shelf.read();
  const answer = await ask("VKWebAppStorageGet", { keys: [KEY] }, PATIENCE_MS);
  const here = parsed(ours);
  if (!answer) {
    kept = here;
  } else {
    remembered = true;
    kept = parsed(Array.isArray(answer.keys) ? answer.keys.find((one) => one?.key === KEY)?.value : "");
    // What VK did not take then, it is offered now; nobody loses a heart by that.
    for (const code of here) if (!kept.has(code) && !wishes.has(code)) wishes.set(code, true);
    if (wishes.size) save();
    else shelf.clear();
  }
  changed();
}

function save() {
  clearTimeout(timer);
  turn = turn.then(keep);
}

async function keep() {
  if (wishes.size === 0) return;
  // Who has not seen what VK keeps must not write over it.
  if (inside && !remembered) await recall();
  const now = new Map(wishes);
  const value = joined(favourites());
  if (remembered && await ask("VKWebAppStorageSet", { key: KEY, value }, PATIENCE_MS)) {
    for (const [code, wanted] of now) {
      wanted ? kept.add(code) : kept.delete(code);
      if (wishes.get(code) === wanted) wishes.delete(code);
    }
    shelf.clear();
    told("vk");
  } else {
    told(shelf.write(value) ? "browser" : "nowhere");
  }
}

const joined = (codes) => [...codes].join(",");

/** The codes in a stored value; whatever else stands there is passed over. */
function parsed(value) {
  const codes = typeof value === "string" ? value.split(",") : [];
  return new Set(codes.filter((code) => CODE.test(code)).slice(0, COUNT_MAX));
}
