"use strict";
(() => {
  const PAGE = 50, PRINTED = 200;
  const [CONTROL, RESOURCE, STATUS, LINE, MESSAGE, PATH, WHY, CHANGE, MARK] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const data = JSON.parse(document.getElementById("data").textContent);
  const { rows, resources, texts, scopes, types, heads, statuses } = data;
  const form = document.getElementById("filter"), count = document.getElementById("count");
  const fields = form.elements, number = new Intl.NumberFormat("en-US");
  const counted = (n, noun) => `${number.format(n)} ${noun}${n === 1 ? "" : "s"}`;

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const named = (resource) => {
    const [name, type, scope, head, ends] = resources[resource];
    return { name, type: types[type], place: scopes[scope][0], region: scopes[scope][1], full: heads[head] + (ends ? name : "") };
  };

  const sections = [...document.querySelectorAll("details.control")].map((details) => ({
    details, all: [], found: [], page: 0, body: details.querySelector(".rows"), tally: details.querySelector(".counts"),
    text: details.querySelector("summary").textContent.toLowerCase(), ...details.dataset,
  }));
  const byNumber = new Map(sections.map((section) => [Number(section.number), section]));
  // Stable: within one status the findings keep their order.
  rows.map((_, index) => index).sort((a, b) => rows[a][STATUS] - rows[b][STATUS]).forEach((index) => {
    const section = byNumber.get(rows[index][CONTROL]);
    if (section) section.all.push(index);
  });

  const offer = (name, values) => {
    const known = [...new Set(values)].filter(Boolean).sort();
    known.slice(0, 2000).forEach((value) => fields[name].add(new Option(value, value)));
    fields[name].closest("label").hidden = known.length < 2;
  };
  offer("place", scopes.map((scope) => scope[0]));
  offer("region", scopes.map((scope) => scope[1]));
  offer("status", rows.map((row) => statuses[row[STATUS]]));
  offer("change", rows.map((row) => texts[row[CHANGE]]));

  // Lower case is made once, when somebody searches for the first time.
  let lowered = null;
  const lower = () => lowered ||= {
    texts: texts.map((text) => text.toLowerCase()),
    resources: resources.map((_, index) => { const it = named(index); return `${it.name} ${it.type} ${it.place} ${it.region} ${it.full}`.toLowerCase(); }),
  };

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const status = statuses.indexOf(wanted.status), change = wanted.change && texts.indexOf(wanted.change);
    const inScope = scopes.map(([place, region]) => (!wanted.place || place === wanted.place) && (!wanted.region || region === wanted.region));
    let shown = 0, controls = 0;
    for (const section of sections) {
      const fits = (!wanted.severity || section.severity === wanted.severity) && (!wanted.area || section.area === wanted.area);
      const rest = words.filter((word) => !section.text.includes(word));
      section.found = !fits ? [] : section.all.filter((index) => {
        const row = rows[index];
        if (status >= 0 && row[STATUS] !== status || change !== "" && row[CHANGE] !== change) return false;
        return inScope[resources[row[RESOURCE]][2]] && rest.every((word) => lower().resources[row[RESOURCE]].includes(word)
          || [MESSAGE, PATH, WHY].some((at) => lowered.texts[row[at]].includes(word)) || row[MARK].startsWith(word));
      });
      section.page = 0;
      section.details.hidden = !section.found.length;
      shown += section.found.length;
      controls += section.found.length > 0;
      tell(section);
      section.stale = true;
      if (section.details.open) draw(section);
    }
    count.textContent = shown === rows.length
      ? `${counted(shown, "finding")} of ${counted(controls, "control")}`
      : `${number.format(shown)} of ${counted(rows.length, "finding")}, of ${counted(controls, "control")}`;
  };

  const tell = (section) => {
    const counts = new Array(statuses.length).fill(0);
    section.found.forEach((index) => { counts[rows[index][STATUS]] += 1; });
    section.tally.replaceChildren(...counts.flatMap((n, at) => n ? [make("span", `${number.format(n)} ${statuses[at]}`, statuses[at]), " "] : []));
  };

  const cell = (label, ...parts) => {
    const td = make("td");
    td.dataset.label = label;
    td.append(...parts.filter((part) => part.textContent || part.length));
    return td;
  };

  const line = (index) => {
    const row = rows[index], it = named(row[RESOURCE]), tr = make("tr");
    const where = row[LINE] ? `${it.place}:${row[LINE]}` : [it.place, it.region].filter(Boolean).join(" ");
    const state = statuses[row[STATUS]];
    tr.append(
      cell("Resource", make("strong", it.name), make("small", it.type)),
      cell("Where", where, make("code", it.full)),
      cell("Evidence", texts[row[MESSAGE]], make("code", texts[row[PATH]])),
      cell("Status", make("span", state, `badge ${state}`), make("small", texts[row[CHANGE]]), make("small", texts[row[WHY]]), make("code", row[MARK])),
    );
    return tr;
  };

  const draw = (section, most = PAGE) => {
    if (!section.table) {
      section.table = section.body.querySelector("tbody");
      section.body.querySelectorAll(":scope > .quiet").forEach((each) => each.remove());
      section.pages = make("nav", "", "pages");
      section.pages.setAttribute("aria-label", `Findings of ${section.details.querySelector("summary code").textContent}`);
      section.said = make("span");
      section.said.setAttribute("aria-live", "polite");
      const turn = (word, step) => {
        const button = make("button", word);
        button.type = "button";
        button.addEventListener("click", () => {
          if (button.getAttribute("aria-disabled") === "true") return;
          section.page += step;
          draw(section);
        });
        return button;
      };
      section.back = turn("Previous", -1);
      section.next = turn("Next", 1);
      section.pages.append(section.back, section.next, section.said);
      section.body.append(section.pages);
    }
    const start = most === PAGE ? section.page * PAGE : 0, end = Math.min(start + most, section.found.length);
    section.table.replaceChildren(...section.found.slice(start, end).map(line));
    section.said.textContent = `${number.format(start + 1)}–${number.format(end)} of ${number.format(section.found.length)}`;
    // Not disabled, which would take the focus away from who turns pages by keyboard.
    section.back.setAttribute("aria-disabled", String(start === 0));
    section.next.setAttribute("aria-disabled", String(end === section.found.length));
    section.pages.hidden = section.found.length <= PAGE;
    section.stale = false;
  };

  for (const section of sections) {
    section.details.addEventListener("toggle", () => { if (section.details.open && section.stale && !printing) draw(section); });
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.querySelectorAll(".matrix a").forEach((link) => link.addEventListener("click", () => {
    form.reset();
    for (const name of ["place", "region", "area"]) if (link.dataset[name] !== undefined) fields[name].value = link.dataset[name];
    filter();
  }));

  // On paper everything is open, as far as anybody would turn pages.
  let printing = false, opened = [];
  const print = (on) => {
    if (on === printing) return;
    printing = on;
    if (on) {
      opened = sections.filter((section) => section.details.open);
      for (const section of sections) { section.details.open = true; draw(section, PRINTED); }
    } else {
      for (const section of sections) { section.details.open = opened.includes(section); section.stale = true; }
      opened.forEach((section) => draw(section));
    }
  };
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  window.matchMedia("print").addEventListener("change", (event) => print(event.matches));

  form.hidden = false;
  filter();
})();
