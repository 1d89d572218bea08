/** The page's script. Everything can be read without it; it shows one screen at a time and remembers what is wanted. */

for (const part of [
  followAppearance, startMemory, startScreens, hearEarly, startHistory, startGoods, startFresh, offerNumber,
  offerHomeScreen,
]) attempt(part);

/** Let strangers copy their number instead of typing it; a link to the school opens all the same. */
function offerNumber() {
  const button = document.querySelector("[data-copy]");
  if (!button) return;
  button.hidden = false;
  for (const hint of document.querySelectorAll("[data-copied]")) hint.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    // A browser lets us at its clipboard only for a moment after a tap, so VK has no more than that moment.
    const copyHere = async () => { await navigator.clipboard.writeText(text); return true; };
    const isCopied = await ask("VKWebAppCopyText", { text }, 1500) || await copyHere().catch(() => false);
    say(isCopied ? words.copied : words.not_copied);
  });
}

/** Offer a place on the telephone's home screen where VK can give one and has not. */
async function offerHomeScreen() {
  const offer = document.querySelector("[data-home-screen]");
  const known = offer && await ask("VKWebAppAddToHomeScreenInfo");
  if (!known || !known.is_feature_supported || known.is_added_to_home_screen) return;
  offer.hidden = false;
  let isAsking = false;
  offer.querySelector("button").addEventListener("click", async () => {
    if (isAsking) return;
    isAsking = true;
    // A person decides in a window of VK's, and may take a minute.
    offer.hidden = Boolean(await ask("VKWebAppAddToHomeScreen", {}, 60000));
    isAsking = false;
  });
}
