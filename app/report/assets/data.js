/* Columns as they travel in the page, and how figures are written. */

const UNKNOWN = 0xffffffff;

/** A packed column {a: offset, s: step, d: base64 of uint32} as Float64Array; the largest integer stands for NaN. */
function unpack(column) {
  const bytes = Uint8Array.from(atob(column.d), (character) => character.charCodeAt(0));
  const whole = new Uint32Array(bytes.buffer);
  const out = new Float64Array(whole.length);
  for (let i = 0; i < out.length; i += 1) out[i] = whole[i] === UNKNOWN ? NaN : column.a + whole[i] * column.s;
  return out;
}

/** First position in rising `values` that is not below `wanted`. */
function lowerBound(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NOTHING = "—";
const writers = new Map();

function fixed(value, digits, sign = false) {
  if (!Number.isFinite(value)) return NOTHING;
  const key = `${digits}${sign}`;
  if (!writers.has(key)) {
    writers.set(
      key,
      new Intl.NumberFormat("en-US", {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        signDisplay: sign ? "exceptZero" : "negative",
      }),
    );
  }
  return writers.get(key).format(value).replace("-", "−");
}

const percent = (value, digits = 2, sign = false) =>
  Number.isFinite(value) ? `${fixed(value * 100, digits, sign)} %` : NOTHING;

/** As many digits as the size needs, so that small coins show theirs too. */
function money(value, sign = false) {
  const size = Math.abs(value);
  return fixed(value, size >= 1 || size === 0 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size))), sign);
}

function digitsOf(span) {
  return Math.max(0, Math.min(10, Math.ceil(-Math.log10(span || 1))));
}

const two = (value) => String(value).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function day(ms) {
  const date = new Date(ms);
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

function clock(ms) {
  const date = new Date(ms);
  const seconds = date.getUTCSeconds();
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}${seconds ? `:${two(seconds)}` : ""}`;
}

const moment = (ms) => (Number.isFinite(ms) ? `${day(ms)} ${clock(ms)}` : NOTHING);

function duration(ms) {
  const units = [["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000]];
  const first = units.findIndex(([, size]) => ms >= size);
  if (first < 0) return "0";
  const whole = Math.floor(ms / units[first][1]);
  const rest = units[first + 1] ? Math.floor((ms % units[first][1]) / units[first + 1][1]) : 0;
  return `${whole.toLocaleString("en-US")} ${units[first][0]}${rest ? ` ${rest} ${units[first + 1][0]}` : ""}`;
}

/** An element with text, never with markup: names come from users. */
function element(tag, { text, className, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
