// Enhancement only: without this module every form and link of the payment page works. It holds no texts;
// what is said comes from data attributes. The server strips comments and indentation.
const doc = document, texts = doc.body.dataset;
const one = (selector, root = main) => root.querySelector(selector);
let main = doc.querySelector("main"), timer, ticker, failures = 0, rounds = 0, skew, told, busy;
doc.documentElement.classList.add("js");

const say = (text) => {
  const place = one("#announce", doc);
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
};

// Whatever the present <main> needs; called again after each swap.
function enhance() {
  skew = Date.parse(main.dataset.now) - Date.now();
  const qr = one(".qr");
  if (qr && matchMedia("(pointer:fine) and (min-width:48rem)").matches) qr.open = true;
  clearInterval(ticker);
  if (one("[data-deadline]")) { ticker = setInterval(tick, 1000); tick(); }
  offerBanks();
  understand();
  rounds = 0;
  later();
}

// By the server's clock; spoken at five minutes and at one.
function tick() {
  const clock = one("[data-deadline]");
  const left = Math.max(0, Math.floor((Date.parse(clock.dataset.deadline) - Date.now() - skew) / 1000));
  clock.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
  clock.classList.toggle("low", left <= 120);
  one("progress").value = left;
  for (const mark of [300, 60]) if (left <= mark && left > mark - 3 && told !== mark) { told = mark; say(`${texts.minutes} ${mark / 60}`); }
  if (!left) { clearInterval(ticker); poll(); }
}

// 204 while nothing has changed; from 3 s to 15 s apart, asleep while hidden.
function later() {
  clearTimeout(timer);
  if (main.dataset.status) timer = setTimeout(poll, Math.min(3000 + 250 * rounds++ + 2000 * failures, 15000) + Math.random() * 500);
}
async function poll() {
  const { status, version, state, page } = main.dataset;
  if (!status || busy || doc.hidden) return;
  busy = 1;
  try {
    const answer = await fetch(`${status}?v=${version}`, { cache: "no-store", signal: AbortSignal.timeout?.(8000) });
    if ([404, 410].includes(answer.status)) location.replace(page);
    if (!answer.ok) throw 0;
    if (answer.status === 200) {
      const news = await answer.json();
      if (news.state === state && one("[data-touched]")) main.dataset.version = news.version;
      else await swap(page);
    }
    failures = 0;
  } catch { failures++; }
  busy = 0;
  one("#offline", doc).hidden = failures < 2;
  later();
}

// Takes the new <main> in place; a file that was chosen stays chosen.
async function swap(page) {
  const answer = await fetch(page, { cache: "no-store" });
  if (!answer.ok) throw 0;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html"), old = main, held = old.contains(doc.activeElement);
  main = doc.adoptNode(one("main", fresh));
  const was = one("#receipt", old), now = one("#receipt");
  if (was && now) now.files = was.files;
  old.replaceWith(main);
  doc.title = fresh.title;
  say(one("h1").textContent);
  if (held) main.focus();
  enhance();
}

function offerBanks() {
  const chosen = one("[name=payment_method]:checked"), bank = one("#bank");
  if (!chosen || !bank) return;
  const banks = chosen.dataset.banks.split(" ");
  for (const option of bank.options) option.hidden = option.disabled = option.value && !banks.includes(option.value);
  if (bank.selectedOptions[0]?.disabled) bank.value = "";
}

// Shows how a typed amount is read; the server reads it again by the same rules.
function understand() {
  const field = one("#amount");
  if (!field) return;
  const typed = field.value.replace(/[\s'’]/g, "").match(/^(\d+)(?:[.,](\d{1,2}))?(?:₽|р\.?|руб\.?)?$/i);
  one("#understood").textContent = typed ? "= " + new Intl.NumberFormat(doc.documentElement.lang, { style: "currency", currency: field.dataset.currency, currencyDisplay: "narrowSymbol" }).format(`${typed[1]}.${typed[2] || 0}`) : "";
}

// Photos become at most 1600 px, or are sent as they are; what stays too large is refused before it is sent.
async function shrink(input) {
  const file = input.files[0];
  input.closest(".drop").classList.toggle("has", !!file);
  if (file?.type.startsWith("image/") && file.size > 6e5) try {
    const picture = await createImageBitmap(file), k = Math.min(1, 1600 / Math.max(picture.width, picture.height));
    const canvas = doc.createElement("canvas"), box = new DataTransfer();
    canvas.width = picture.width * k;
    canvas.height = picture.height * k;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", .82));
    if (blob.size < file.size) { box.items.add(new File([blob], "receipt.jpg", { type: blob.type })); input.files = box.files; }
  } catch {}
  input.setCustomValidity(input.files[0]?.size > 10485760 ? input.dataset.tooLarge : "");
  input.reportValidity();
}

async function copy(button) {
  const { copy: text } = button.dataset, label = one(".said", button), before = button.dataset.said ||= label.textContent;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = doc.createElement("textarea");
    area.value = text;
    doc.body.append(area);
    area.select();
    doc.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.classList.add("copied");
  say(label.textContent = texts.copied);
  setTimeout(() => { button.classList.remove("copied"); label.textContent = before; }, 1800);
}

doc.addEventListener("click", ({ target }) => {
  if (target.closest("[data-print]")) print();
  const button = target.closest("[data-copy]");
  if (button) copy(button);
});
doc.addEventListener("input", ({ target }) => {
  target.form.setAttribute("data-touched", "");
  if (target.id === "receipt") shrink(target);
  offerBanks();
  understand();
});
// One press, one form.
doc.addEventListener("submit", (event) => {
  const button = one("button", event.target);
  if (button.ariaBusy) event.preventDefault();
  button.ariaBusy = "true";
});
addEventListener("pageshow", () => doc.querySelectorAll("button").forEach((button) => { button.ariaBusy = null; }));
for (const kind of ["online", "focus", "visibilitychange"]) addEventListener(kind, poll);
enhance();
