/** What the page's script says: the server's words, filled in, and how numbers stand beside nouns. */

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
const language = document.documentElement.lang;
const plural = new Intl.PluralRules(language);
/** From ten thousand on, thousands are set apart, as the server does it. */
const number = new Intl.NumberFormat(language, { useGrouping: "min2" });
const SHOWN_MS = 6000;

export const words = data.words ?? {};
export const residents = data.residents ?? [];

/** A text with its braces filled in. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** A count of coins, or of lessons, in words. */
export const coins = (count) => counted(count, words.coins);
export const lessons = (count) => counted(count, words.lessons);

/** Forms stand in the order one, few, many in Russian, and one, other in English. */
function counted(count, forms) {
  const place = { one: 0, few: 1 }[plural.select(count)] ?? forms.length - 1;
  return `${number.format(count)} ${forms[Math.min(place, forms.length - 1)]}`;
}

let timer = 0;

/** Tell the reader something in passing. */
export function say(text) {
  const status = document.querySelector("[data-status]");
  if (!status || !text) return;
  status.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { status.textContent = ""; }, SHOWN_MS);
}
