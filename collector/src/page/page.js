// Keeps the page current: fetches it again and puts its <main> in place of the old one. Scroll position, opened details
// and focus stay; nothing is fetched while the page is hidden; when the collector is gone the page says since when.
"use strict";
(() => {
  const every = 5000;
  const patience = 60000;
  const lost = document.getElementById("lost");
  let failingSince = null;
  let replaced = Date.now();
  let timer = null;

  const say = (text) => {
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = text === "";
  };
  const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const opened = (root) => [...root.querySelectorAll("details[open]")].map((one) => one.dataset.key);

  const replace = (next, main) => {
    const old = document.querySelector("main");
    const focused = document.activeElement?.closest("details")?.dataset.key;
    const keys = new Set(opened(old));
    for (const one of main.querySelectorAll("details")) one.open = keys.has(one.dataset.key);
    document.title = next.title;
    old.replaceWith(document.adoptNode(main));
    replaced = Date.now();
    if (focused === undefined) return;
    for (const one of main.querySelectorAll("details")) {
      if (one.dataset.key === focused) one.querySelector("summary").focus({ preventScroll: true });
    }
  };

  // Whoever is marking text should not lose it, for as long as what it says may pass for the present.
  const marking = () => {
    const selection = getSelection();
    return selection && !selection.isCollapsed && Date.now() - replaced < patience;
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(every * 2) });
      // The session has ended: the browser is to show where to sign in.
      if (answer.redirected) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = next.querySelector("main");
      if (!main) throw new Error("not the page");
      const asOf = Number(main.dataset.asOfMs);
      const served = Date.parse(answer.headers.get("date") ?? "");
      if (!marking()) replace(next, main);
      failingSince = null;
      say(served - asOf > patience ? `The figures have stood still since ${clock(asOf)}.` : "");
    } catch {
      failingSince ??= Date.now();
      say(`Not reachable since ${clock(failingSince)}. What follows is what was known then.`);
    }
  };

  const tick = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    await refresh();
    clearTimeout(timer);
    timer = setTimeout(tick, every);
  };

  // A day's column tells its title below the strip, for those who touch instead of hover.
  const tell = (event) => {
    const day = event.target.closest?.(".day");
    if (day) day.closest("figure").querySelector("output").textContent = day.querySelector("title").textContent;
  };

  document.addEventListener("visibilitychange", tick);
  document.addEventListener("pointerover", tell);
  document.addEventListener("click", tell);
  timer = setTimeout(tick, every);
})();
