(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: what the system prefers, until the button says otherwise. Nothing is remembered.
  const root = document.documentElement;
  const toggle = $("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const showTheme = () => toggle.setAttribute("aria-pressed", String(isDark()));
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  system.addEventListener("change", showTheme);
  showTheme();

  // Sorting: stable, missing values last in both directions.
  const status = $("#filter [role=status]");
  const body = $("#tasks-table tbody");
  const rows = $$("tr", body);
  const heads = $$("#tasks-table thead th");
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b, isText) => (isText ? collator.compare(a, b) : Number(a) - Number(b));
  const sortBy = (position) => {
    const head = heads[position];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const isText = head.dataset.sort === "text";
    const valueOf = (row) => row.cells[position].dataset.value;
    const isMissing = (value) => value === "" && !isText;
    const sorted = [...rows].sort((one, other) => {
      const [a, b] = [valueOf(one), valueOf(other)];
      if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
      return direction * compare(a, b, isText);
    });
    body.append(...sorted);
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  };
  heads.forEach((head, position) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(position));
    head.append(button);
  });

  // Filter: names that contain what is typed.
  $("#filter").hidden = rows.length < 8;
  $("#filter input").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    const isShown = (row) => row.cells[0].dataset.value.toLowerCase().includes(wanted);
    rows.forEach((row) => (row.hidden = !isShown(row)));
    status.textContent = wanted ? `${rows.filter(isShown).length} of ${rows.length} tasks` : "";
  });

  // Parts of tasks: a link to one opens it, and paper shows them all.
  const parts = $$("details.task");
  const show = (hash) => {
    const target = document.getElementById(hash.slice(1));
    const part = target?.closest("details");
    if (part) part.open = true;
    (part ?? target)?.scrollIntoView();
    if (part) target.focus({ preventScroll: true });
  };
  // In a frame of a notebook a link within the page would lead to the notebook.
  const isFramed = location.protocol === "about:";
  document.addEventListener("click", (event) => {
    const link = isFramed && event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    show(link.hash);
  });
  $("#all").hidden = false;
  $$("#all button").forEach((button) =>
    button.addEventListener("click", () =>
      parts.forEach((part) => (part.open = button.dataset.open === "true")),
    ),
  );
  addEventListener("hashchange", () => show(location.hash));
  addEventListener("beforeprint", () => parts.forEach((part) => (part.open = true)));
  if (location.hash) show(location.hash);
})();
