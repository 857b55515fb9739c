/* Starts htmx: from the CDN with its hash, else from our own copy; a dead CDN never holds the page. */
(function () {
  'use strict';
  var tag = document.currentScript;
  if (!tag) return;
  var data = tag.dataset, parsed = false, settled = false;
  document.addEventListener('DOMContentLoaded', function () { parsed = true; }, { once: true });
  function add(src, integrity, failed) {
    var script = document.createElement('script');
    script.src = src;
    if (integrity) { script.integrity = integrity; script.crossOrigin = 'anonymous'; }
    script.onload = function () {
      settled = true;
      // Trap: htmx 2 that arrives between DOMContentLoaded and load waits for an event that is over.
      if (parsed && document.readyState !== 'complete') document.dispatchEvent(new Event('DOMContentLoaded'));
    };
    script.onerror = failed;
    document.head.appendChild(script);
  }
  function local() {
    if (settled || window.htmx) return;
    settled = true;
    add(data.local, '', function () {});
  }
  if (data.mode === 'local') return local();
  add(data.cdn, data.integrity, data.mode === 'auto' ? local : function () {});
  if (data.mode === 'auto') setTimeout(local, 800);
})();
