/**
 * Small things that are remembered for a visitor: the child that was shown, what each has seen, what each saves up for.
 * VK keeps them for all devices, and this browser, which has them at once and where VK does not answer.
 */

const KEEPING_MS = 5000;
const PAUSE_MS = 400;
const FAVOURITES_KEY = "fav1";
const MEMORY_KEY = "me1";
/** As many as twenty children need, and far below what VK would cut. */
const PAIRS_MAX = 60;
const PAIR = /^([a-z]+(?:\.\d{1,19})?):([a-z0-9_-]{1,40})$/;

const memory = new Map();
/** What was remembered since the page was opened: VK's answer may be older. */
const newer = new Set();
/** What VK keeps, "" for nothing; null where it has not said. */
let keptMemory = null;
let memoryTimer = 0;
/** VK loses answers when it is asked two things at once: one call after another. */
let turn = Promise.resolve();

/** Do something about VK's storage when everything before it is done. */
function inTurn(task) { turn = turn.then(task); }

/** What this browser keeps under a key; frames may be forbidden to ask, by an error at every touch. */
function readHere(key) {
  try { return localStorage.getItem(`coinsync.${key}.${visitor}`); } catch (error) { return null; }
}

/** Keep something in this browser, nothing for "", and say whether that is allowed. */
function writeHere(key, value) {
  const name = `coinsync.${key}.${visitor}`;
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
    return true;
  } catch (error) {
    return false;
  }
}

/** What is remembered under a name, else "". */
const recalled = (name) => memory.get(name) || "";

/** Remember something from now on. */
function remember(name, value) {
  if (memory.get(name) === value) return;
  // The newest stand last, and the oldest go when there are too many.
  memory.delete(name);
  memory.set(name, value);
  newer.add(name);
  writeHere(MEMORY_KEY, written());
  clearTimeout(memoryTimer);
  memoryTimer = setTimeout(keepMemory, PAUSE_MS);
}

/** Take what this browser kept. */
function startMemory() {
  for (const [name, value] of pairsOf(readHere(MEMORY_KEY))) memory.set(name, value);
  document.addEventListener("visibilitychange", () => { if (document.hidden) keepMemory(); });
}

/** Read what VK keeps, and return its favourites; null where it says nothing. */
async function readKept() {
  const answer = await ask("VKWebAppStorageGet", { keys: [FAVOURITES_KEY, MEMORY_KEY] }, KEEPING_MS);
  if (!answer || !Array.isArray(answer.keys)) return null;
  const stored = (key) => {
    const pair = answer.keys.find((candidate) => candidate && candidate.key === key);
    return pair && typeof pair.value === "string" ? pair.value : "";
  };
  keptMemory = stored(MEMORY_KEY);
  for (const [name, value] of pairsOf(keptMemory)) {
    // What was seen on one device has been seen, and the child that is shown is not changed under somebody's eyes; of
    // everything else the newest counts.
    const isBehind = name === "child" ? memory.has(name) : name.startsWith("seen.") && Number(value) < Number(recalled(name));
    if (!newer.has(name) && !isBehind) memory.set(name, value);
  }
  return stored(FAVOURITES_KEY);
}

function keepMemory() {
  clearTimeout(memoryTimer);
  inTurn(async () => {
    const value = written();
    // Nobody may write over what was not read.
    if (keptMemory === null || keptMemory === value || !newer.size) return;
    if (await ask("VKWebAppStorageSet", { key: MEMORY_KEY, value }, KEEPING_MS)) keptMemory = value;
  });
}

const written = () => [...memory].slice(-PAIRS_MAX).map((pair) => pair.join(":")).join(",");

/** Names and values of a stored text; whatever else stands there is passed over. */
function pairsOf(text) {
  const pairs = (text || "").split(",").slice(0, PAIRS_MAX).map((pair) => PAIR.exec(pair));
  return pairs.filter(Boolean).map((match) => [match[1], match[2]]);
}
