/* Adds − and + to a number field that works alone. */
(function () {
  'use strict';
  var drawing = { '-1': 'M4 10h12', '1': 'M10 4v12M4 10h12' };
  var words = { '-1': '减 1', '1': '加 1' };
  function button(label, step, input) {
    var made = document.createElement('button');
    made.type = 'button';
    made.setAttribute('aria-label', label + '，' + words[step]);
    made.innerHTML = '<svg class="ico" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="' + drawing[step] + '"/></svg>';
    made.addEventListener('click', function () {
      var low = Number(input.getAttribute('data-min') || 0), high = Number(input.getAttribute('data-max') || 999999);
      var typed = input.value.replace(/[０-９]/g, function (wide) { return String.fromCharCode(wide.charCodeAt(0) - 0xfee0); });
      var next = (parseInt(typed, 10) || 0) + step;
      input.value = Math.min(high, Math.max(low, next));
      say(label + ' ' + input.value);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.dispatchEvent(new Event('change', { bubbles: true }));
    });
    return made;
  }
  var voice;
  function say(text) {
    if (!voice) {
      voice = document.createElement('p');
      voice.className = 'sr';
      voice.setAttribute('role', 'status');
      document.body.appendChild(voice);
    }
    voice.textContent = text;
  }
  function dress(root) {
    var boxes = root.querySelectorAll('[data-count].bare');
    for (var i = 0; i < boxes.length; i++) {
      var box = boxes[i], input = box.querySelector('input'), label = box.getAttribute('data-label') || '';
      box.classList.remove('bare');
      box.insertBefore(button(label, -1, input), input);
      box.appendChild(button(label, 1, input));
    }
  }
  dress(document);
  document.addEventListener('htmx:afterSwap', function () { dress(document); });
})();
