/* 大字版 in place: what is typed and the page's permission stay, and no network is asked. */
(function () {
  'use strict';
  document.addEventListener('click', function (event) {
    var it = event.target.closest ? event.target.closest('[data-resize]') : null;
    if (!it) return;
    event.preventDefault();
    var root = document.documentElement, large = root.getAttribute('data-size') !== 'large';
    var words = it.getAttribute('data-resize').split(' ');
    if (large) root.setAttribute('data-size', 'large'); else root.removeAttribute('data-size');
    document.cookie = 'size=' + (large ? 'large' : 'normal') + '; path=/; max-age=31536000; samesite=lax' + (location.protocol === 'https:' ? '; secure' : '');
    it.textContent = words[large ? 1 : 0];
    // An address that names a size would win over the cookie when the page is loaded again.
    if (/[?&]size=/.test(location.search) && history.replaceState) history.replaceState(history.state, '', location.href.replace(/([?&])size=[^&#]*&?/, '$1'));
  });
})();
