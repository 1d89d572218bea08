/** A history by months: what is shown of it, older lines, and what is new in it since last time. */

/** By what lines are looked for, "" for all. */
let wantedKind = "";
/** The newest line that each child had seen when the page was opened; lines are numbered. */
const seenBefore = new Map();

const listOf = (resident) => document.querySelector(`[data-lines="${resident}"]`);
const isCancelled = (line) => line.classList.contains("cancelled");
const coinsOf = (line) => Number(line.querySelector(".amount").textContent.replace("−", "-").replace(/[^-\d]/g, ""));
const numberOf = (line) => Number(line.dataset.n);

/** Offer what needs the script: older lines, and lines of one kind. */
function startHistory() {
  document.addEventListener("click", ({ target }) => {
    const more = target.closest(".more[data-child]");
    const kind = target.closest("[data-kinds] button");
    if (more) bring(more);
    if (!kind) return;
    wantedKind = kind.dataset.kind;
    drawHistory();
  });
  onDraw(drawHistory);
}

function drawHistory() {
  for (const button of document.querySelectorAll(".more[data-child]")) button.hidden = false;
  for (const kinds of document.querySelectorAll("[data-kinds]")) {
    kinds.hidden = false;
    for (const kind of kinds.children) kind.setAttribute("aria-pressed", kind.dataset.kind === wantedKind);
  }
  const lines = listOf(chosen());
  if (lines) sift(lines);
}

/** Show the lines that are looked for, with what came and went by them in each month. */
function sift(months) {
  // As long as all of them are there as they came, nothing has to be touched.
  if (!wantedKind && !months.dataset.sifted) return;
  months.dataset.sifted = "yes";
  const isWhole = !document.querySelector(`.more[data-child="${months.dataset.lines}"]`);
  for (const month of months.children) {
    const lines = [...month.querySelectorAll(".line")];
    for (const line of lines) line.hidden = Boolean(wantedKind) && (line.dataset.kind || "lesson") !== wantedKind;
    const shown = lines.filter((line) => !line.hidden);
    const isComplete = isWhole || month !== months.lastElementChild;
    month.hidden = shown.length === 0;
    month.querySelector("h4 span").textContent = isComplete ? sums(shown) : "";
  }
  const isAnyShown = Boolean(months.querySelector(".month:not([hidden])"));
  months.parentElement.querySelector("[data-none]").hidden = isAnyShown;
}

/** What came and what went; a line and its reversal are neither. */
function sums(lines) {
  const changes = lines.filter((line) => !isCancelled(line)).map(coinsOf);
  const gained = changes.reduce((sum, coins) => sum + Math.max(coins, 0), 0);
  const spent = changes.reduce((sum, coins) => sum + Math.min(coins, 0), 0);
  return [gained, spent].filter(Boolean).map(amount).join(" ");
}

async function bring(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const name = button.textContent;
  const { child, before } = button.dataset;
  // A button that is disabled outright would lose the focus of whoever pressed it by a key.
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.loading;
  const { page, status } = await asked(`/history?${new URLSearchParams({ child, before })}`);
  button.removeAttribute("aria-disabled");
  button.textContent = name;
  const part = page && page.querySelector(`[data-lines="${child}"]`);
  if (part) append(button, part);
  else button.nextElementSibling.textContent = status === 403 ? words.expired : words.failed;
}

function append(button, part) {
  const months = listOf(button.dataset.child);
  const first = part.querySelector(".line") || months.querySelector(".line");
  for (const month of [...part.children]) {
    const last = months.lastElementChild;
    // A month that was cut goes on.
    if (last.dataset.month === month.dataset.month) last.querySelector(".lines").append(...month.querySelectorAll(".line"));
    else months.append(month);
  }
  button.dataset.before = part.dataset.before;
  button.nextElementSibling.textContent = "";
  const hint = document.querySelector(`[data-bounded="${button.dataset.child}"]`);
  if (hint) hint.textContent = filled(words.shown, { count: months.querySelectorAll(".line").length });
  if (part.dataset.before === "0") {
    if (hint) hint.remove();
    first.tabIndex = -1;
    if (document.activeElement === button) first.focus({ preventScroll: true });
    button.remove();
  }
  months.dataset.sifted = "yes";
  sift(months);
}

/** Tell what is new, as soon as VK has said what was seen on other devices, or will not. */
function drawNews() {
  const child = chosen();
  const months = listOf(child);
  if (!months) return;
  const lines = [...months.querySelectorAll(".line")];
  const newest = Math.max(...lines.map(numberOf));
  const seen = Number(recalled(`seen.${child}`));
  // Who comes for the first time is told nothing: all of it is new.
  if (!seenBefore.has(child)) seenBefore.set(child, seen || newest);
  if (newest > seen) remember(`seen.${child}`, String(newest));
  const isNew = (line) => numberOf(line) > seenBefore.get(child);
  for (const line of document.querySelectorAll(`[data-resident="${child}"] .line`)) {
    if (isNew(line)) line.querySelector(".amount").dataset.new = words.new;
  }
  showBadge(child, lines.filter((line) => isNew(line) && !isCancelled(line)));
}

function showBadge(child, lines) {
  const badge = document.querySelector(`[data-news="${child}"]`);
  const coins = lines.reduce((sum, line) => sum + coinsOf(line), 0);
  const reason = lines.length === 1 ? `· ${lines[0].querySelector(".what").textContent}` : words.news;
  badge.hidden = coins === 0;
  badge.textContent = `${amount(coins)} ${reason}`;
  // One coin falls, once; the style lets it lie for whoever wants no motion.
  badge.parentElement.classList.toggle("won", coins > 0);
}
