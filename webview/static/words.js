/** What the page's script says: the server's words, filled in, and how numbers stand beside nouns. */

const SHOWN_MS = 6000;
/** From this number on, thousands are set apart, as the server does it. */
const GROUPED_FROM = 10000;

const language = document.documentElement.lang === "en" ? "en" : "ru";
const plural = new Intl.PluralRules(language);

/** The texts of the page's language; ``TEXTS`` stands before this script. */
export const words = TEXTS[language];

const dataElement = document.getElementById("data");
const data = dataElement ? JSON.parse(dataElement.textContent) : {};

/** The residents of the page with what is counted with, and the forms of the coin's name. */
export const residents = data.residents || [];
export const coinForms = data.coins || [];

/** A text with its braces filled in. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(name in values ? values[name] : whole));
}

/** A number as the server writes it. */
export function numeral(value) {
  const digits = String(Math.abs(value));
  const grouped = Math.abs(value) >= GROUPED_FROM ? digits.replace(/\B(?=(\d{3})+$)/g, words.thousands) : digits;
  return value < 0 ? `−${grouped}` : grouped;
}

/** A count beside a noun; forms stand in the order one, few, many in Russian, and one, other in English. */
export function counted(count, forms) {
  const places = { one: 0, few: 1 };
  const place = places[plural.select(count)];
  return `${numeral(count)} ${forms[place === undefined ? forms.length - 1 : Math.min(place, forms.length - 1)]}`;
}

let sayTimer = 0;

/** Tell the reader something in passing. */
export function say(text) {
  const status = document.querySelector("[data-status]");
  if (!status || !text) return;
  status.textContent = text;
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => { status.textContent = ""; }, SHOWN_MS);
}
