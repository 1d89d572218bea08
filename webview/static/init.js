// Runs before anything else is fetched: until VK hears this one call it shows its own screen over the page. Only what
// every browser since 2012 knows; constant, because the page's policy allows it by its digest. What VK says before the
// rest of the script is there is kept for it.
(function (w) {
  var early = w.vkEarly = [], method = "VKWebAppInit", ios = w.webkit && w.webkit.messageHandlers;
  function keep(event) { if (early.length < 50) early.push(event); }
  w.addEventListener("message", keep);
  w.addEventListener("VKWebAppEvent", keep);
  try {
    if (w.AndroidBridge) w.AndroidBridge[method]("{}");
    else if (ios && ios[method]) ios[method].postMessage({});
    else if (w.parent !== w) {
      w.parent.postMessage({ handler: method, params: {}, type: "vk-connect", connectVersion: "2.15.11" }, "*");
    }
  } catch (error) { /* The page can be read without VK. */ }
})(window);
