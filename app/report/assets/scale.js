/* Where the lines of a grid stand. */

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  1000, 5000, 15000, 30000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
  DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY,
];
const MONTH_STEPS = [1, 2, 3, 4, 6, 12, 24, 60, 120];

/** Times (ms UTC) between `from` and `to`, at most `most` of them, each with its label. */
function timeTicks(from, to, most) {
  const wanted = (to - from) / Math.max(1, most);
  const step = TIME_STEPS.find((size) => size >= wanted);
  return step ? dayTicks(from, to, step) : monthTicks(from, to, wanted);
}

function dayTicks(from, to, step) {
  const ticks = [];
  // Weeks begin on Monday; the epoch was a Thursday.
  const origin = step % (7 * DAY) === 0 ? 4 * DAY : 0;
  for (let at = Math.ceil((from - origin) / step) * step + origin; at <= to; at += step) {
    const date = new Date(at);
    const midnight = at % DAY === 0;
    let label = clock(at);
    if (midnight) label = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    if (midnight && date.getUTCMonth() === 0 && date.getUTCDate() <= step / DAY) label = String(date.getUTCFullYear());
    ticks.push({ at, label, strong: midnight && step < DAY });
  }
  return ticks;
}

function monthTicks(from, to, wanted) {
  const step = MONTH_STEPS.find((months) => months * 30 * DAY >= wanted) ?? 240;
  const start = new Date(from);
  const ticks = [];
  let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / step) * step;
  for (;;) {
    const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (at > to) return ticks;
    const january = month % 12 === 0;
    if (at >= from) {
      ticks.push({ at, label: january ? String(Math.floor(month / 12)) : MONTHS[month % 12], strong: january && step < 12 });
    }
    month += step;
  }
}

/** Round values between `low` and `high`, about `most` of them. */
function valueTicks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return { ticks: [low], step: 1 };
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) ticks.push(i * step);
  return { ticks, step };
}

/** Values that are round on a logarithmic scale; round ones in equal steps where those are too few. */
function ratioTicks(low, high, most) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
    for (const times of [1, 2, 5]) if (times * 10 ** power >= low && times * 10 ** power <= high) ticks.push(times * 10 ** power);
  }
  if (ticks.length < 3) return valueTicks(low, high, most);
  const kept = ticks.length > most * 1.5 ? ticks.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9) : ticks;
  return { ticks: kept, step: kept[0] };
}
