// The page as an app: the same page, kept for when there is no network.
import { el } from "./elements.js";

/** Registers the service worker beside the page and says when the app works offline. */
export async function keepOffline(place) {
  if (!("serviceWorker" in navigator) || !location.protocol.startsWith("http")) return;
  await navigator.serviceWorker.register("./sw.js");
  await navigator.serviceWorker.ready;
  place.append(el("span", { id: "offline" }, " Works offline from now on."));
}
