/** The page's looks as VK wants them: light or dark, insets, the bars of the telephone, the frame on a desktop. */

const SIDES = ["top", "right", "bottom", "left"];
const INSET_MAX = 400;
/** What VK allows in width, how high is sensible, and what is left of its own page above and below our frame. */
const FRAME = { widthMin: 600, widthMax: 1000, heightMin: 500, heightMax: 1200, around: 120 };

const root = document.documentElement;
let frameHeight = 0;

/** Follow what VK says for as long as the page is open. */
function followAppearance() {
  listen("VKWebAppUpdateConfig", (config) => {
    if (config.appearance === "light" || config.appearance === "dark") root.dataset.appearance = config.appearance;
    for (const side of SIDES) {
      const inset = Number((config.insets || {})[side]);
      if (inset >= 0 && inset <= INSET_MAX) root.style.setProperty(`--inset-${side}`, `${inset}px`);
    }
    if (platform === "desktop_web") fillFrame(Number(config.viewport_height));
    paintBars();
  });
  paintBars();
  // The swipe of an iPhone goes back through our screens instead of closing us.
  if (inWebView && /^mobile_ip/.test(platform)) ask("VKWebAppSetSwipeSettings", { history: true });
  // Safari has the newer name of it since 14.
  matchMedia("(prefers-color-scheme: dark)").addListener(paintBars);
}

/** Colour the bars of the telephone; browsers have none, and say so by an error. */
function paintBars() {
  if (!inWebView) return;
  const style = getComputedStyle(root);
  const said = root.dataset.appearance;
  const dark = said === "dark" || (!said && matchMedia("(prefers-color-scheme: dark)").matches);
  ask("VKWebAppSetViewSettings", {
    // The style is that of the icons.
    status_bar_style: dark ? "light" : "dark",
    action_bar_color: style.getPropertyValue("--ground").trim(),
    navigation_bar_color: style.getPropertyValue("--card").trim(),
  });
}

/** Make the frame as high as VK's window, so that our own bar stays in sight. */
function fillFrame(viewport) {
  const height = Math.min(FRAME.heightMax, Math.max(FRAME.heightMin, Math.round(viewport - FRAME.around)));
  if (!(viewport > 0) || height === frameHeight) return;
  frameHeight = height;
  // Another width would move everything.
  const width = Math.min(FRAME.widthMax, Math.max(FRAME.widthMin, innerWidth));
  ask("VKWebAppResizeWindow", { width, height });
}
