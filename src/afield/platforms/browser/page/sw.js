// Keeps the app's files, so that it opens without a network. A new version replaces all of them at once.
const VERSION = "{{version}}";
const FILES = {{files}};

self.addEventListener("install", (event) => {
  const fresh = FILES.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const ours = `${VERSION.slice(0, VERSION.lastIndexOf("-"))}-`;
    const old = (await caches.keys()).filter((name) => name.startsWith(ours) && name !== VERSION);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  const name = pathname.slice(pathname.lastIndexOf("/") + 1);
  const file = name === "index.html" ? "./" : `./${name}`;
  if (event.request.method !== "GET" || !FILES.includes(file)) return;
  const answer = async () => (await (await caches.open(VERSION)).match(file)) ?? fetch(event.request);
  event.respondWith(answer());
});
