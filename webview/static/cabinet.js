/** The page's script. Everything can be read without it; it shows one screen at a time and remembers favourites. */

import { followAppearance } from "./appearance.js";
import { startGoods } from "./goods.js";
import { startLines } from "./lines.js";
import { startScreens } from "./screens.js";
import { ask, hearEarly, inWebView, platform } from "./vk.js";
import { say, words } from "./words.js";

/** Whatever one of them stumbles over, the others go on. */
for (const start of [
  followAppearance, startScreens, hearEarly, startGoods, startLines, offerNumber, offerHomeScreen, leadSwipesBack,
]) {
  try {
    start();
  } catch (error) {
    // The browser's console tells it, as it does of every error that nobody catches.
    setTimeout(() => { throw error; });
  }
}

/** The swipe of an iPhone goes back through our screens instead of closing us. */
function leadSwipesBack() {
  if (inWebView && /^mobile_ip/.test(platform)) ask("VKWebAppSetSwipeSettings", { history: true });
}

/** Let strangers copy their number instead of typing it. */
function offerNumber() {
  const button = document.querySelector("[data-copy]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    // A browser lets us at its clipboard only for a moment after a tap, so VK has no more than that moment.
    const copied = await ask("VKWebAppCopyText", { text }, 1500) || await copiedByBrowser(text);
    say(copied ? words.copied : words.not_copied);
  });
}

async function copiedByBrowser(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    return false;
  }
}

/** Offer a place on the telephone's home screen where VK can give one and has not. */
async function offerHomeScreen() {
  const offer = document.querySelector("[data-home-screen]");
  const known = offer && await ask("VKWebAppAddToHomeScreenInfo");
  if (!known || !known.is_feature_supported || known.is_added_to_home_screen) return;
  offer.hidden = false;
  let asking = false;
  offer.querySelector("button").addEventListener("click", async () => {
    if (asking) return;
    asking = true;
    // A person decides in a window of VK's, and may take a minute.
    offer.hidden = Boolean(await ask("VKWebAppAddToHomeScreen", {}, 60000));
    asking = false;
  });
}
