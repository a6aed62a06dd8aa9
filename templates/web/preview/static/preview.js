// What the page does beyond links and forms: follow the files, suggest readers, and take the arrow keys.

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("version", (event) => {
    if (event.data !== document.body.dataset.version) refresh();
  });
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

let latest = 0;

async function refresh() {
  const mine = ++latest;
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || mine !== latest) return;
  for (const old of document.querySelectorAll("[data-live]")) replace(old, fresh.getElementById(old.id));
  document.body.dataset.version = fresh.body.dataset.version;
  say(document.querySelector(".fault") ? "Read again: something is broken" : "Read again");
}

function replace(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const shown = old.querySelector("iframe.edition");
  const next = fresh.querySelector("iframe.edition");
  if (!shown || !next) {
    if (old.open) fresh.open = true;
    old.replaceWith(fresh);
    return;
  }
  // A frame that is put in anew starts white and at its top; one that is led elsewhere stays until the other is there.
  old.querySelector(".inbox").replaceWith(fresh.querySelector(".inbox"));
  if (shown.getAttribute("src") === next.getAttribute("src")) return;
  old.querySelector("iframe.arriving")?.remove();
  next.className = "arriving";
  next.addEventListener("load", () => {
    shown.remove();
    next.className = "edition";
  });
  shown.after(next);
}

let fading;

function say(words) {
  const status = document.getElementById("status");
  status.textContent = words;
  clearTimeout(fading);
  fading = setTimeout(() => { status.textContent = ""; }, 2500);
}

function suggest() {
  const input = document.getElementById("reader");
  const list = document.getElementById("readers");
  let asked = "";
  input.addEventListener("focus", () => requestAnimationFrame(() => input.select()));
  input.addEventListener("input", async (event) => {
    if ([...list.options].some((option) => option.value === input.value) && event.inputType !== "insertText") {
      input.form.requestSubmit();
      return;
    }
    asked = input.value;
    const answer = await fetch(`/readers?q=${encodeURIComponent(asked)}`);
    const found = await answer.json();
    if (asked !== input.value) return;
    list.replaceChildren(...found.map(({ email, name }) => {
      const option = document.createElement("option");
      option.value = email;
      option.label = name ? `${name} · ${email}` : email;
      return option;
    }));
  });
}

function step(event) {
  const busy = event.target.closest("input, select, textarea, [tabindex='0']");
  if (busy || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  document.querySelector(`.steps a[rel="${rel}"]`)?.click();
}

document.getElementById("issue").addEventListener("change", (event) => event.target.form.requestSubmit());
document.addEventListener("keydown", step);
suggest();
follow();
