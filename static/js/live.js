/* The venue screen: five steps in hand, so that a lost minute of network does not blank it. */
(function () {
  var main = document.getElementById("main");
  var steps = [], offset = 0, seconds = 20, shown = 0, lost = 0;
  var plate = document.querySelector(".dial .plate path");
  function draw(row) {
    var path = "", y, x, line, run;
    for (y = 0; y < row.rows.length; y++) {
      line = row.rows[y];
      for (x = 0; x < line.length; x++) {
        if (line[x] !== "1") { continue; }
        run = 1;
        while (line[x + run] === "1") { run++; }
        path += "M" + (x + 4) + " " + (y + 4) + "h" + run + "v1h-" + run + "z";
        x += run - 1;
      }
    }
    plate.setAttribute("d", path);
    document.getElementById("digits").textContent = row.digits.slice(0, 3) + " " + row.digits.slice(3);
  }
  function tick() {
    var now = Date.now() + offset, step = Math.floor(now / 1000 / seconds), i;
    var gone = Math.floor(now / 1000) % seconds;
    var seeds = document.querySelectorAll(".dial [transform]");
    for (i = 0; i < seeds.length; i++) { seeds[i].setAttribute("class", i < gone ? "gone" : "dot"); }
    if (step !== shown) {
      for (i = 0; i < steps.length; i++) { if (steps[i].step === step) { draw(steps[i]); shown = step; } }
    }
  }
  function fetchSteps() {
    var request = new XMLHttpRequest();
    request.open("GET", main.getAttribute("data-steps"));
    request.timeout = 8000;
    request.onload = function () {
      if (request.status !== 200) { return fail(); }
      var body = JSON.parse(request.responseText);
      steps = body.steps; seconds = body.seconds; offset = body.now - Date.now(); lost = 0;
      document.getElementById("count").textContent = body.count;
      document.getElementById("net").textContent = "网络正常";
    };
    request.onerror = request.ontimeout = fail;
    request.send();
  }
  function fail() {
    lost += 1;
    document.getElementById("net").textContent = lost > 12 ? "网络断了，请到签到台签到" : "网络断了，码还能用一会儿";
  }
  fetchSteps();
  window.setInterval(fetchSteps, 5000);
  window.setInterval(tick, 500);
})();
