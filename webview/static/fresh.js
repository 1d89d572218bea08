/** The page stays true while it is kept open: VK keeps a page for days, and brings it back as it was. */

const OLD_AFTER_MS = 10 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

let loadedAt = Date.now();
let isAsking = false;
/** The parts of the page as they came, before anything was done to them. */
let parts = partsOf(document);

/** Fetch the page anew when somebody comes back to it after a while, or asks for it. */
function startFresh() {
  if (!parts.size) return;
  document.addEventListener("visibilitychange", () => { if (!document.hidden) returned(); });
  listen("VKWebAppViewRestore", returned);
  window.addEventListener("offline", () => tell(words.offline));
  window.addEventListener("online", () => refresh());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-reload]")) return;
    event.preventDefault();
    refresh(true);
  });
  onDraw(drawMoment);
}

function returned() {
  drawMoment();
  if (Date.now() - loadedAt >= OLD_AFTER_MS) refresh();
}

/** Say something that holds until it is over; "" is nothing. */
function tell(text) { document.querySelector("[data-banner]").textContent = text; }

async function refresh(byHand = false) {
  if (isAsking) return;
  isAsking = true;
  if (byHand) say(words.loading);
  const { status, page } = await asked("/");
  isAsking = false;
  if (page && page.getElementById("data")) {
    loadedAt = Date.now();
    tell("");
    take(page);
    if (byHand) say(words.up_to_date);
  } else if (status === 403 || status === 0) {
    tell(status ? words.expired : words.offline);
  } else if (byHand) {
    say(words.failed);
  }
}

function partsOf(page) {
  return new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part.outerHTML]));
}

/** Put what has changed in the place of what is shown, and leave everything else alone. */
function take(page) {
  const newParts = partsOf(page);
  // It has become another page: a stranger was let in, or there is a second child.
  if ([...newParts.keys()].join() !== [...parts.keys()].join()) return void location.reload();
  document.getElementById("data").textContent = page.getElementById("data").textContent;
  for (const [name, content] of newParts) {
    const found = (where) => where.querySelector(`[data-part="${name}"]`);
    if (content !== parts.get(name)) found(document).replaceWith(document.importNode(found(page), true));
  }
  parts = newParts;
  draw();
}

/** Say "today" only today, in the time of the school: the element says how far that is from UTC. */
function drawMoment() {
  const time = document.querySelector("[data-reload] time");
  if (!time) return;
  const [, day, clock, sign, hours, minutes] = /^(.*)T(.*)([+-])(\d\d):(\d\d)$/.exec(time.dateTime);
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -60000 : 60000);
  const age = Math.floor((Date.now() + offset) / DAY_MS) - Date.parse(`${day}T00:00:00Z`) / DAY_MS;
  const text = [words.today, words.yesterday][Math.max(age, 0)] || words.earlier;
  time.textContent = filled(text, { day: time.dataset.day, time: clock });
}
