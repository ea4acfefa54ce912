// Filters of the report: by verdict, by text, by outcome of a requirement. Everything is readable without them.
(function () {
  "use strict";
  var all = function (selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); };
  var cases = all("details.case"), rows = all("tr[data-outcome]"), groups = all("section.group");
  var chosen = {}, outcomes = {}, search = document.getElementById("search");

  function none(set) { return !Object.keys(set).some(function (k) { return set[k]; }); }

  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var matches = function (text) { return words.every(function (w) { return text.indexOf(w) >= 0; }); };
    cases.forEach(function (c) {
      var show = (none(chosen) || chosen[c.dataset.verdict]) && matches(c.dataset.text);
      c.classList.toggle("hidden", !show);
    });
    groups.forEach(function (g) {
      g.classList.toggle("hidden", !g.querySelector("details.case:not(.hidden)"));
    });
    rows.forEach(function (r) {
      var show = (none(outcomes) || outcomes[r.dataset.outcome]) && matches(r.textContent.toLowerCase());
      r.classList.toggle("hidden", !show);
    });
    var shown = cases.filter(function (c) { return !c.classList.contains("hidden"); }).length;
    document.getElementById("shown").textContent = shown === cases.length ? "" : shown + " of " + cases.length;
  }

  function toggles(selector, set, key) {
    all(selector).forEach(function (button) {
      button.addEventListener("click", function () {
        var value = button.dataset[key];
        set[value] = !set[value];
        all(selector).forEach(function (b) { b.setAttribute("aria-pressed", String(!!set[b.dataset[key]])); });
        apply();
      });
    });
  }
  toggles("button[data-choose]", chosen, "choose");
  toggles("button[data-outcome-choose]", outcomes, "outcomeChoose");
  search.addEventListener("input", apply);

  // A link into the report opens what it points to.
  function arrive() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var e = target; e; e = e.parentElement) {
      if (e.tagName === "DETAILS") { e.open = true; }
      e.classList.remove("hidden");
    }
    if (target) { target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", arrive);
  arrive();

  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  });
  document.getElementById("tools").classList.remove("hidden");
}());
