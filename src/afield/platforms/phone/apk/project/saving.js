// In the app: a link that would download a blob hands its text to the phone, for a WebView downloads no blobs.
(() => {
  const blobs = new Map();
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    const url = make.call(URL, blob);
    if (blob instanceof Blob) blobs.set(url, blob);
    return url;
  };
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[download]") : null;
    const blob = link && blobs.get(link.href);
    if (!blob) return;
    event.preventDefault();
    blob.text().then((text) => globalThis.afieldPhone.save(link.download, text));
  }, true);
})();
