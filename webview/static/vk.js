/**
 * VK, as the page talks to it: a call always comes to an end, and where VK is not, nothing is called at all.
 *
 * What VK says is never proof of anything: whoever holds this window can forge it. It decides looks and conveniences.
 */

const PATIENCE_MS = 4000;

const bridge = window.vkBridge;
const launch = new URLSearchParams(location.search);

/** Whether VK shows us, in a frame or in its own WebView. */
export const inside = Boolean(bridge?.isEmbedded());
export const inWebView = inside && bridge.isWebView();
export const platform = launch.get("vk_platform") ?? "";
/** Who opened the page, for naming things kept in this browser; the server alone knows whether it is true. */
export const visitor = launch.get("vk_user_id") ?? "";

/** Call VK; null when it refuses, is silent for too long, or is not there. */
export async function ask(method, parameters = {}, patience = PATIENCE_MS) {
  if (!inside) return null;
  let timer;
  const silence = new Promise((settle) => { timer = setTimeout(settle, patience, null); });
  try {
    return await Promise.race([bridge.send(method, parameters), silence]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Hear what VK says by itself. */
export function listen(event, heard) {
  if (inside) bridge.subscribe(({ detail }) => { if (detail?.type === event) heard(detail.data ?? {}); });
}

// Until this call VK shows its own screen over ours, so it comes before everything else.
ask("VKWebAppInit");
