/** What the page's script says: the server's words, filled in, and how numbers stand beside nouns. */

const SHOWN_MS = 6000;
/** From this number on, thousands are set apart, as the server does it. */
const GROUPED_FROM = 10000;

/** ``words``, which stand before this script, are the texts of the page's language. */
const plural = new Intl.PluralRules(document.documentElement.lang);
let sayTimer = 0;

/** The page's own data, which is replaced with it; pages without a cabinet have none. */
function readData() {
  const element = document.getElementById("data");
  return element ? JSON.parse(element.textContent) : { residents: [], coins: [] };
}

/** The residents of the page, with what is counted with, and the forms of the coin's name. */
const residents = () => readData().residents;
const coinForms = () => readData().coins;

/** A text with its braces filled in. */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(name in values ? values[name] : whole));
}

/** A number as the server writes it. */
function numeral(value) {
  const digits = String(Math.abs(value));
  const grouped = Math.abs(value) >= GROUPED_FROM ? digits.replace(/\B(?=(\d{3})+$)/g, words.thousands) : digits;
  return value < 0 ? `−${grouped}` : grouped;
}

/** A change of coins with its sign. */
const amount = (coins) => (coins > 0 ? "+" : "") + numeral(coins);

/** A count beside a noun; forms stand in the order one, few, many in Russian, and one, other in English. */
function counted(count, forms) {
  const place = { one: 0, few: 1 }[plural.select(count)];
  return `${numeral(count)} ${forms[place === undefined ? forms.length - 1 : Math.min(place, forms.length - 1)]}`;
}

/** A name as it stands in a sentence; it may be written from right to left, what stands around it is not. */
function quoted(name) {
  // It stands in quotation marks itself, so those within are of the other kind.
  return `\u2068${name.replace(/«/g, "„").replace(/»/g, "“")}\u2069`;
}

/** Tell the reader something in passing. */
function say(text) {
  const status = document.querySelector("[data-status]");
  if (!status || !text) return;
  status.textContent = text;
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => { status.textContent = ""; }, SHOWN_MS);
}
