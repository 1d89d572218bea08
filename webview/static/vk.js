/**
 * VK, as the page talks to it: a call always comes to an end, and where VK is not, nothing is called at all.
 *
 * What VK says is never proof of anything: whoever holds this window can forge it. It decides looks and conveniences.
 */

const VK_PATIENCE_MS = 4000;
const SERVER_PATIENCE_MS = 15000;

const bridge = window.vkBridge;
const launch = new URLSearchParams(location.search);

/** Whether VK shows us, in a frame or in its own WebView. */
const inside = Boolean(bridge && bridge.isEmbedded());
const inWebView = inside && bridge.isWebView();
const platform = launch.get("vk_platform") || "";
/** Who opened the page, for naming things kept in this browser; the server alone knows whether it is true. */
const visitor = launch.get("vk_user_id") || "";

/** Call VK; null when it refuses, is silent for too long, or is not there. */
async function ask(method, parameters = {}, patience = VK_PATIENCE_MS) {
  if (!inside) return null;
  let timer;
  const silence = new Promise((settle) => { timer = setTimeout(settle, patience, null); });
  try {
    return await Promise.race([bridge.send(method, parameters), silence]);
  } catch (error) {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Hear what VK says by itself. */
function listen(event, heard) {
  if (!inside) return;
  bridge.subscribe(({ detail }) => { if (detail && detail.type === event) heard(detail.data || {}); });
}

/** Hear what VK said while this script was on its way; an older page kept nothing. */
function hearEarly() {
  // A copy: whoever keeps them hears these once more.
  for (const event of (window.vkEarly || []).splice(0)) window.dispatchEvent(new event.constructor(event.type, event));
}

/** Ask our own server; VK's launch says in a header who asks. ``status`` is 0 where nobody answers. */
async function asked(address) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), SERVER_PATIENCE_MS);
  try {
    const headers = { "X-Launch": location.search.slice(1) };
    const answer = await fetch(address, { headers, signal: stop.signal, cache: "no-store" });
    const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    return { status: answer.status, page };
  } catch (error) {
    return { status: 0, page: null };
  } finally {
    clearTimeout(timer);
  }
}
